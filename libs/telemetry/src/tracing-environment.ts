type Environment = Readonly<Record<string, string | undefined>>;

/** Without an endpoint the SDK would send to localhost:4318 for ever; nobody asked for that. */
export const isTracingConfigured = (env: Environment): boolean =>
  env['OTEL_SDK_DISABLED']?.toLowerCase() !== 'true' && Boolean(env['OTEL_EXPORTER_OTLP_ENDPOINT'] || env['OTEL_EXPORTER_OTLP_TRACES_ENDPOINT']);

/** The app's folder, where the operator gave no name: `…/apps/ingest/dist/main.js` is `ingest`. */
export const serviceNameFor = (env: Environment, script: string | undefined): string | undefined => {
  if (env['OTEL_SERVICE_NAME'] || env['OTEL_RESOURCE_ATTRIBUTES']?.includes('service.name=')) return undefined;
  return /[/\\]apps[/\\]([^/\\]+)[/\\]/.exec(script ?? '')?.[1];
};
