import { readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { AttemptPath, dispatcherGate, dueOf, Gate, NoLongerOurs, Plane, settle, type Due, type Step } from '@spillway/attempts';
import { readDelivery, UnreadableMessage } from '@spillway/contracts';
import { EndpointRegistry, parseMasterKeys } from '@spillway/endpoints';
import { JetStreamTransport, joinPlane, type WaitingMessage } from '@spillway/jetstream';
import { Health, type Service } from '@spillway/service-kit';
import { createLogger, Metrics, type Logger } from '@spillway/telemetry';
import { shardOf, subject } from '@spillway/topology';
import { WebhookClient } from '@spillway/webhook-client';
import type { DispatcherConfig } from './dispatcher.config.ts';
import { DispatcherModule } from './dispatcher.module.ts';
import { DispatcherMetrics } from './dispatcher.telemetry.ts';
import { roomIn } from './room.ts';

const APP = 'dispatcher';
/** Probes that are due, rates that allow one more, and who waits too long: looked at this often. */
const BEAT_MS = 100;

const now = (): Date => new Date();

/** Everything a dispatcher consists of, wired; nothing is taken before it is served. */
export const dispatcher = async (config: DispatcherConfig): Promise<Service> => {
  const log = createLogger(APP, config.logLevel);
  const metrics = new Metrics(APP);
  const health = new Health();
  const { broker, worlds, replica } = await joinPlane(config, { app: APP, log, health, host: hostname() });
  const registry = await EndpointRegistry.open(broker, { log, pin: worlds.created('KV_webhook_endpoints'), masterKeys: parseMasterKeys(config.masterKey) });
  const client = new WebhookClient({
    allowNetworks: config.allowNetworks,
    allowHttp: config.allowHttp,
    ...(config.extraCaFile !== undefined && { extraCa: readFileSync(config.extraCaFile, 'utf8') }),
  });
  const limits = { ...dispatcherGate, slots: config.attemptsAtOnce };
  const gate = new Gate(limits, (endpointId) => strategy.roomCame(subject.parked('first', shardOf(endpointId), endpointId)));
  const plane = new Plane(broker, APP, now);
  const told = new DispatcherMetrics(metrics, gate);
  const path = new AttemptPath({ app: APP, registry, client, gate, now, jitter: Math.random, onAttempt: (...attempt) => told.attempted(...attempt) });

  const strategy = new JetStreamTransport({
    app: APP,
    replica,
    broker,
    worlds,
    log,
    decode: (message) => dueOf(message, readDelivery(message.headers)),
    settle: async (from, payload, result) => {
      const { meta, delivery } = payload as Due;
      await settle(result as Step, { from, meta, delivery, policy: path.policyFor(meta.endpointId), app: APP, now, jitter: Math.random }, plane);
    },
    room: roomIn(gate, path, registry, limits.maxWaitingBytes),
    mayTake: () => registry.state.ready,
    onCrash: (error, message) => crashed(error, message, plane, log, told),
  });
  const beat = setInterval(() => gate.beat(), BEAT_MS);
  health.check('endpoints', () => ({ ok: registry.state.ready, detail: registry.state.why }));
  health.check('queues', () => ({ ok: strategy.state().ok, detail: strategy.state() }));
  return {
    app: APP,
    portOffset: 5,
    config,
    module: DispatcherModule.with(path),
    strategy,
    health,
    metrics,
    log,
    close: async () => {
      clearInterval(beat);
      plane.close();
      registry.close();
      await client.close();
      await broker.close();
    },
  };
};

/** What cannot be read never can: it is kept as a dead letter of the pipeline. Anything else is ours to mend, and the message comes again. */
const crashed = async (error: unknown, message: WaitingMessage, plane: Plane, log: Logger, told: DispatcherMetrics): Promise<void> => {
  if (error instanceof NoLongerOurs) return told.lost();
  if (error instanceof UnreadableMessage) {
    log.error({ origin: message.origin, err: error }, 'unreadable message, kept as a dead letter of the pipeline');
    await plane.bury(message, APP, error.message);
    return;
  }
  told.crashed();
  log.error({ origin: message.origin, subject: message.subject, err: error }, 'a delivery could not be worked, it comes again');
};
