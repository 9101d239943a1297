import { attributes, names, type Metrics } from '@spillway/telemetry';
import type { FastifyInstance } from 'fastify';

/** Seconds, as the HTTP conventions of OpenTelemetry advise, from 1 ms on: a disk sync is about 3 ms. */
const BOUNDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

/** By the route's template and never by the path, which has tenants and ids in it. Nothing is kept for a request but two numbers. */
export const countRequests = (fastify: FastifyInstance, metrics: Metrics): void => {
  const durations = metrics.histogram(names.http.duration, 'HTTP requests answered, by route template', BOUNDS);
  const series = new Map<string, { record(seconds: number): void }>();
  fastify.addHook('onResponse', (request, reply, done) => {
    const route = request.routeOptions.url ?? 'unmatched';
    const key = `${request.method} ${reply.statusCode} ${route}`;
    let known = series.get(key);
    if (known === undefined) {
      known = durations.with({ [attributes.httpMethod]: request.method, [attributes.httpRoute]: route, [attributes.httpStatus]: String(reply.statusCode) });
      series.set(key, known);
    }
    known.record(reply.elapsedTime / 1_000);
    done();
  });
};
