import { isTracingConfigured, serviceNameFor } from './tracing-environment.ts';

it.each([
  [{}, false],
  [{ OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:4318' }, true],
  [{ OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: 'http://127.0.0.1:4318/v1/traces' }, true],
  [{ OTEL_EXPORTER_OTLP_ENDPOINT: '' }, false],
  [{ OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:4318', OTEL_SDK_DISABLED: 'True' }, false],
])('%j: %s', (env, expected) => {
  expect(isTracingConfigured(env)).toBe(expected);
});

it('calls the service by its app, unless the operator named it', () => {
  expect(serviceNameFor({}, '/srv/apps/ingest/dist/main.js')).toBe('ingest');
  expect(serviceNameFor({ OTEL_SERVICE_NAME: 'mine' }, '/srv/apps/ingest/dist/main.js')).toBeUndefined();
  expect(serviceNameFor({ OTEL_RESOURCE_ATTRIBUTES: 'service.name=mine' }, '/srv/apps/ingest/dist/main.js')).toBeUndefined();
  expect(serviceNameFor({}, undefined)).toBeUndefined();
});
