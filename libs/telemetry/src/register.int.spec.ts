import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { startReceiver } from '@spillway/testing';

const root = join(import.meta.dirname, '../../..');

/** A process that is started as our apps are, makes a span and leaves. Gives what it printed. */
const run = async (env: Record<string, string>): Promise<string> => {
  const script = `
    import { shutdownTelemetry } from '@spillway/telemetry/register';
    import { trace } from '@opentelemetry/api';
    trace.getTracer('test').startSpan('process webhook.delivery').end();
    await shutdownTelemetry();
    await shutdownTelemetry();
    console.log(JSON.stringify({ traces: '_delegate' in trace.getTracerProvider() && trace.getTracerProvider()._delegate !== undefined }));`;
  const options = ['--conditions=@spillway/source', '--import', join(root, 'tools/swc-hook.mjs'), '--import', '@spillway/telemetry/register', '--input-type=module', '-e', script];
  const child = spawn(process.execPath, options, { cwd: join(root, 'libs/telemetry'), env: { PATH: process.env['PATH'], ...env }, stdio: ['ignore', 'pipe', 'inherit'] });
  let out = '';
  child.stdout.on('data', (chunk: Buffer) => (out += chunk.toString()));
  expect(await once(child, 'close')).toEqual([0, null]);
  return out;
};

it('sends what is still queued when the app leaves, and nothing but traces', async () => {
  const collector = await startReceiver();
  expect(JSON.parse(await run({ OTEL_EXPORTER_OTLP_ENDPOINT: collector.url, OTEL_SERVICE_NAME: 'ingest' }))).toEqual({ traces: true });
  expect(collector.requests.map(({ url }) => url)).toEqual(['/v1/traces']);
  const sent = collector.requests[0]!;
  expect(sent.headers['content-type']).toBe('application/x-protobuf');
  expect(sent.body.toString('latin1')).toMatch(/ingest[^]*process webhook\.delivery/);
  await collector.stop();
});

it('starts nothing where there is nowhere to send to', async () => {
  expect(JSON.parse(await run({}))).toEqual({ traces: false });
});
