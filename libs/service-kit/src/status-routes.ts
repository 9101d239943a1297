import type { Metrics } from '@spillway/telemetry';
import type { FastifyInstance } from 'fastify';
import type { Health } from './health.ts';
import type { ServiceConfig } from './service-config.ts';
import { requireStatusKey } from './status-key.ts';

type Watched = { app: string; config: ServiceConfig; health: Health; metrics: Metrics };

/** The three pages that every app has. Straight on Fastify: no module of an app can forget or shadow them. */
export const addStatusRoutes = (fastify: FastifyInstance, { app, config, health, metrics }: Watched): void => {
  fastify.get('/healthz', () => ({ ok: true, app })); // the process answers; a restart would mend nothing that /readyz complains about
  fastify.get('/readyz', (_, reply) => {
    const snapshot = health.snapshot();
    return reply.status(snapshot.ok ? 200 : 503).send(snapshot);
  });
  fastify.get('/metrics', async (request, reply) => {
    requireStatusKey(config, request.headers.authorization);
    return reply.type('text/plain; version=0.0.4; charset=utf-8').send(await metrics.render());
  });
};
