import 'reflect-metadata';
import { EventEmitter, once } from 'node:events';
import { Controller, Get, Inject, Injectable, Module, Post } from '@nestjs/common';
import { EventPattern, Payload } from '@nestjs/microservices';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { createLogger, Metrics, type Logger } from '@spillway/telemetry';
import type { FastifyInstance } from 'fastify';
import { Health } from '../src/health.ts';
import { loadConfig } from '../src/load-config.ts';
import { ProblemError } from '../src/problem-error.ts';
import { serve, type Service, type Serving } from '../src/serve.ts';
import { ServiceConfig } from '../src/service-config.ts';
import { LOG } from '../src/service.module.ts';

class OwnConfig extends ServiceConfig {}

@Injectable()
class Everything {
  constructor(readonly health: Health, readonly metrics: Metrics, readonly base: ServiceConfig, readonly own: OwnConfig, @Inject(LOG) readonly log: Logger) {}
}

@Controller()
class Pages {
  constructor(private readonly everything: Everything) {}

  @Get('/injected')
  injected() {
    const { own, base, metrics, log, health } = this.everything;
    return { same: own === base, app: metrics.app, logs: typeof log.info, health: typeof health.snapshot };
  }

  @Post('/things/:id')
  take() {
    throw new ProblemError(429, 'tenant_quota', 'used up', { quota: 'messages' }, { 'retry-after': '3' });
  }

  @Get('/broken')
  broken() {
    throw new Error('hunter2');
  }

  @EventPattern('work')
  work(@Payload() work: string) {
    return work;
  }
}

@Module({ controllers: [Pages], providers: [Everything] })
class PagesModule {}

/** Everything that the service logged. */
export const lines: Record<string, unknown>[] = [];
const log = createLogger('test', 'info', { write: (line: string) => void lines.push(JSON.parse(line) as Record<string, unknown>) });

export const service = (over: Partial<Service> = {}, env: Record<string, string> = {}): Service => ({
  app: 'test',
  portOffset: 0,
  config: loadConfig(OwnConfig, { SPILLWAY_PORT_BASE: '0', ...env }),
  module: PagesModule,
  health: new Health(),
  metrics: new Metrics('test'),
  log,
  ...over,
});

const running: Serving[] = [];
export const start = async (over: Partial<Service> = {}, env: Record<string, string> = {}): Promise<Serving> => {
  const serving = await serve(service(over, env));
  running.push(serving);
  return serving;
};

/** Between two tests: every service stopped, nothing said. */
export const stopAll = async (): Promise<void> => {
  await Promise.all(running.splice(0).map((one) => one.stop()));
  lines.splice(0);
};

export const problemFrom = async (answer: Response) => {
  expect(answer.headers.get('content-type')).toMatch(/^application\/problem\+json/);
  const problem = (await answer.json()) as { status: number; code: string; [more: string]: unknown };
  expect(problem).toMatchObject({ type: 'about:blank', status: answer.status, title: expect.any(String), detail: expect.any(String) });
  return problem;
};

export const send = (url: string, body: string, type: string) => fetch(url, { method: 'POST', body, headers: { 'content-type': type } });

export const fastifyOf = (nest: NestFastifyApplication): FastifyInstance => nest.getHttpAdapter().getInstance();

/** A route `/slow` whose answer waits to be let go. */
export const slowRoute = () => {
  const gate = new EventEmitter();
  const prepare = (nest: NestFastifyApplication): void => {
    fastifyOf(nest).get('/slow', async () => {
      gate.emit('reached');
      await once(gate, 'open');
      return { done: true };
    });
  };
  return { prepare, reached: once(gate, 'reached'), letGo: () => void gate.emit('open') };
};
