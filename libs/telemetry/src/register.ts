// Loaded first: `node --import @spillway/telemetry/register`, or as the first import of main.ts.
// Exporter, endpoint, sampler and service name come from the standard OTEL_* variables.
import type { NodeSDK } from '@opentelemetry/sdk-node';
import { isTracingConfigured, serviceNameFor } from './tracing-environment.ts';

let sdk: NodeSDK | undefined;

if (isTracingConfigured(process.env)) {
  // Loaded only when there is somewhere to send to: the SDK takes about 30 MB.
  const { NodeSDK: Loaded } = await import('@opentelemetry/sdk-node');
  // No instrumentation is built: one that patches HTTP doubles what a request costs, sampled or not. Spans are made where they are wanted.
  // Metrics are read at /metrics and logs on standard output, so that only traces are sent.
  sdk = new Loaded({ instrumentations: [], metricReaders: [], logRecordProcessors: [], serviceName: serviceNameFor(process.env, process.argv[1]) });
  sdk.start();
}

/** Sends what is still queued; call it last, when nothing makes spans any more. May be called twice. */
export const shutdownTelemetry = async (): Promise<void> => {
  const running = sdk;
  sdk = undefined;
  await running?.shutdown();
};
