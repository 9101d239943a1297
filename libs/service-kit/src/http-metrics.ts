import { attributes, names, type Metrics } from '@spillway/telemetry';
import type { FastifyInstance } from 'fastify';
import type { ConnectionCount } from './connection-limit.ts';

/** Seconds, as the HTTP conventions of OpenTelemetry advise, from 1 ms on: a disk sync is about 3 ms. */
const BOUNDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

type Series = { record(seconds: number): void };

/** By the route's template and never by the path, which has tenants and ids in it. Nothing is kept for a request but two numbers. */
export const requestDurations = (metrics: Metrics): ((method: string, route: string) => (status: number, seconds: number) => void) => {
  const durations = metrics.histogram(names.http.duration, 'HTTP requests answered, by route template', BOUNDS);
  return (method, route) => {
    const byStatus = new Map<number, Series>();
    return (status, seconds) => {
      let series = byStatus.get(status);
      if (series === undefined) {
        series = durations.with({ [attributes.httpMethod]: method, [attributes.httpRoute]: route, [attributes.httpStatus]: String(status) });
        byStatus.set(status, series);
      }
      series.record(seconds);
    };
  };
};

export const countRequests = (fastify: FastifyInstance, metrics: Metrics): void => {
  const of = requestDurations(metrics);
  const routes = new Map<string, ReturnType<typeof of>>();
  fastify.addHook('onResponse', (request, reply, done) => {
    const route = request.routeOptions.url ?? 'unmatched';
    const key = `${request.method} ${route}`;
    let record = routes.get(key);
    if (record === undefined) {
      record = of(request.method, route);
      routes.set(key, record);
    }
    record(reply.statusCode, reply.elapsedTime / 1_000);
    done();
  });
};

/** Open ones beside their bound: an alert compares the two. */
export const observeConnections = (metrics: Metrics, count: ConnectionCount): void => {
  metrics.gauge(names.http.connections, 'Connections that are open.', () => count.open);
  metrics.gauge(names.http.connectionsMax, 'Their bound.', () => count.max);
  metrics.counter(names.http.connectionsRefused, 'Connections that were closed because there were as many as may be.', () => count.refused);
};
