import { NestFactory } from '@nestjs/core';
import type { DynamicModule, Type } from '@nestjs/common';
import type { CustomTransportStrategy } from '@nestjs/microservices';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import type { Logger, Metrics } from '@spillway/telemetry';
import { shutdownTelemetry } from '@spillway/telemetry/register';
import type { FastifyInstance } from 'fastify';
import { AllowedMethods } from './allowed-methods.ts';
import { limitConnections } from './connection-limit.ts';
import { Connections } from './connections.ts';
import { printConfig } from './describe-config.ts';
import { fastifyAdapter, type HttpOptions } from './fastify-adapter.ts';
import type { Health } from './health.ts';
import { countRequests, observeConnections } from './http-metrics.ts';
import { listen } from './listen.ts';
import { watchLoop } from './loop-watch.ts';
import { NestLog } from './nest-log.ts';
import { ProblemFilter } from './problem.filter.ts';
import type { ServiceConfig } from './service-config.ts';
import { serviceModule } from './service.module.ts';
import { stopOnSignals } from './signals.ts';
import { isLoopback } from './status-key.ts';
import { addStatusRoutes } from './status-routes.ts';
import { doneWithin } from './within.ts';

/** How long what was taken may take to settle before the process leaves all the same. */
const DRAIN_BUDGET_MS = 10_000;
/** For closing connections and sending the last spans: both are local, or not worth waiting for. */
const CLOSE_BUDGET_MS = 5_000;

/** One app: what it is made of and how it is reached. */
export type Service = {
  app: string;
  /** Above the base port, as listed in the documentation: ingest 0, console 1, … */
  portOffset: number;
  config: ServiceConfig;
  module: Type | DynamicModule;
  /** How it takes messages. Given by the app, so that nothing here knows what they come from. */
  strategy?: CustomTransportStrategy | ((nest: NestFastifyApplication) => CustomTransportStrategy);
  fastify?: HttpOptions;
  /** Before the routes exist: parsers, hooks, routes straight on Fastify. */
  prepare?: (nest: NestFastifyApplication) => void | Promise<void>;
  /** The last step of stopping, when nothing is in flight any more: connections. */
  close?: () => Promise<void>;
  health: Health;
  metrics: Metrics;
  log: Logger;
  drainBudgetMs?: number;
};

export type Serving = { app: NestFastifyApplication; url: string; stop: () => Promise<void> };

type Built = { nest: NestFastifyApplication; connections: Connections; stage: { name: 'starting' | 'serving' | 'stopping' } };

/** Starts an app and keeps it until a signal comes, or `stop` is called. May be called several times in one process (compact). */
export const serve = async (service: Service): Promise<Serving> => {
  const { app, config, health, log } = service;
  log.info({ config: printConfig(config) }, 'starting');
  const stage: Built['stage'] = { name: 'starting' };
  health.check('service', () => ({ ok: stage.name === 'serving', detail: stage.name }));
  let nest: NestFastifyApplication | undefined;
  try {
    nest = await build(service);
    const connections = new Connections(nest.getHttpServer());
    const url = await listen(nest, service); // before messages are taken: who cannot be looked at must not work
    await nest.startAllMicroservices();
    stage.name = 'serving';
    // a thread costs 12 MB; who takes messages may be blocked by one, again and again
    if (service.strategy) watchLoop({ app, afterMs: config.blockedAfterMs, log });
    if (!isLoopback(config.bind) && !config.statusKey) log.warn(`/metrics refuses everybody: ${app} listens on ${config.bind} and SPILLWAY_STATUS_KEY is not set`);
    log.info({ url }, 'ready');
    return { app: nest, url, stop: stopper(service, { nest, connections, stage }) };
  } catch (error) {
    await abandon(service, nest);
    throw error;
  }
};

const build = async (service: Service): Promise<NestFastifyApplication> => {
  const { log, metrics, strategy, prepare } = service;
  const { maxConnections, ...options } = service.fastify ?? {};
  const adapter = fastifyAdapter(options);
  const fastify = adapter.getInstance<FastifyInstance>();
  observeConnections(metrics, limitConnections(fastify.server, maxConnections));
  const allowed = new AllowedMethods(fastify);
  countRequests(fastify, metrics);
  addStatusRoutes(fastify, service);
  const nest = await NestFactory.create<NestFastifyApplication>(serviceModule(service), adapter, { logger: new NestLog(log), bodyParser: false, abortOnError: false });
  nest.useGlobalFilters(new ProblemFilter(log, allowed));
  await prepare?.(nest);
  if (strategy) nest.connectMicroservice({ strategy: typeof strategy === 'function' ? strategy(nest) : strategy });
  await nest.init();
  return nest;
};

/** Stops once, however often it is asked to: by a signal, by a test, by both. */
const stopper = (service: Service, built: Built): (() => Promise<void>) => {
  let stopped: Promise<void> | undefined;
  const stop = (): Promise<void> =>
    (stopped ??= shutdown(service, built).finally(() => {
      forget();
    }));
  const forget = stopOnSignals({ stop, log: service.log });
  return stop;
};

/** Two phases: take nothing more and let what was taken settle, then cut the connections it needed for that. */
const shutdown = async ({ log, close, drainBudgetMs = DRAIN_BUDGET_MS }: Service, { nest, connections, stage }: Built): Promise<void> => {
  stage.name = 'stopping';
  const startedAt = performance.now();
  const allLeft = connections.letGo();
  if (!(await doneWithin(nest.close(), drainBudgetMs))) {
    log.warn({ drainBudgetMs }, 'not everything settled in time; what was left is taken up again by who comes next');
    nest.getHttpServer().closeAllConnections();
  }
  allLeft();
  if (close && !(await doneWithin(close(), CLOSE_BUDGET_MS))) log.warn({ budgetMs: CLOSE_BUDGET_MS }, 'connections did not close in time');
  if (!(await doneWithin(shutdownTelemetry(), CLOSE_BUDGET_MS))) log.warn({ budgetMs: CLOSE_BUDGET_MS }, 'the last spans were not sent in time');
  log.info({ tookMs: Math.round(performance.now() - startedAt) }, 'stopped');
};

/** After a start that failed half-way; its own failures would hide the reason. */
const abandon = async ({ log, close }: Service, nest: NestFastifyApplication | undefined): Promise<void> => {
  for (const step of [() => nest?.close(), close]) {
    try {
      if (step) await doneWithin(Promise.resolve(step()), CLOSE_BUDGET_MS);
    } catch (error) {
      log.warn({ err: error }, 'could not clean up after a start that failed');
    }
  }
};
