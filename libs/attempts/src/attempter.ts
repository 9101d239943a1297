import { readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import type { DynamicModule } from '@nestjs/common';
import { readDelivery, UnreadableMessage, type Fact } from '@spillway/contracts';
import { defaultPolicy, deliveryOf, tooOldAt, type Policy } from '@spillway/delivery';
import { EndpointRegistry, EndpointStore, parseMasterKeys } from '@spillway/endpoints';
import { DirectGet, JetStreamTransport, joinPlane, observeSuspects, Publisher, WatchedBucket, type Room, type StoredMessage, type TransportOptions } from '@spillway/jetstream';
import { Health, nowWorking, type Service } from '@spillway/service-kit';
import { createLogger, Metrics, type Logger } from '@spillway/telemetry';
import { allShards, shardOf, subject } from '@spillway/topology';
import { WebhookClient } from '@spillway/webhook-client';
import { AttemptPath, dueOf, type Due } from './attempt-path.ts';
import type { AttemptsConfig } from './attempts.config.ts';
import { AttemptsMetrics } from './attempts.telemetry.ts';
import { circuitFact } from './circuit-facts.ts';
import { buryDelivery, judgeThrow } from './dead-in-pipeline.ts';
import { DeletedHeads } from './deleted-heads.ts';
import { EndpointChanges } from './endpoint-changes.ts';
import { EndpointLife } from './endpoint-life.ts';
import { Gate, type GateLimits } from './gate.ts';
import { Homes } from './home.ts';
import { tellLearnt } from './learnt.ts';
import { OrderedHeads } from './ordered-heads.ts';
import { OperationalEvents } from './operational-events.ts';
import { ParkedExpiry } from './parked-expiry.ts';
import { ParkedPurge } from './parked-purge.ts';
import { Plane, type Step } from './plane.ts';
import { RetrySwitches } from './retry-switches.ts';
import { roomInParked } from './room.ts';
import { settle } from './settle.ts';

/** What an app that makes attempts is made of. Its own part, the queues, comes on top. */
export type Attempter = {
  gate: Gate;
  path: AttemptPath;
  switches: RetrySwitches;
  /** Of the subjects in PARKED. */
  roomInParked: (subject: string, held: number, waiting: number) => number;
  transport: () => JetStreamTransport;
  log: Logger;
};

export type AttempterOptions = {
  app: 'dispatcher' | 'retrier';
  portOffset: number;
  limits: GateLimits;
  module: (attempter: Attempter) => DynamicModule;
  /** Of its queues other than those in PARKED. */
  room: (attempter: Attempter) => Room;
  listing?: TransportOptions['listing'];
};

/** Probes that are due, rates that allow one more, and who waits too long: looked at this often. */
const BEAT_MS = 100;

/** Of what is parked and nobody attempts. */
const LOOK_AT_HEADS_EVERY_MS = 60_000;

const now = (): Date => new Date();

/** Everything a dispatcher or a retrier consists of, wired; nothing is taken before it is served. The two differ in which queues they bind. */
export const attempter = async (config: AttemptsConfig, options: AttempterOptions): Promise<Service> => {
  const { app, portOffset } = options;
  const log = createLogger(app, config.logLevel);
  const metrics = new Metrics(app);
  const health = new Health();
  const { broker, worlds, replica } = await joinPlane(config, { app, log, health, host: hostname() });
  const masterKeys = parseMasterKeys(config.masterKey);
  const registry = await EndpointRegistry.open(broker, { log, pin: worlds.created('KV_webhook_endpoints'), masterKeys });
  const switches = await RetrySwitches.open(broker, { log, pin: worlds.created('KV_webhook_control') });
  const client = clientOf(config);
  const limits = { ...options.limits, slots: config.attemptsAtOnce ?? options.limits.slots };
  const plane = new Plane(broker, app, now);
  /** Beside the attempts: nothing waits for it. */
  const tell = (fact: Fact): void => {
    plane.ledger.record(fact.tenant, fact).catch((error: unknown) => log.warn({ err: error, fact }, 'what was learnt of endpoints was not recorded'));
  };
  const gate = new Gate(limits, (endpointId) => subjectsOf(endpointId).forEach((of) => strategy.roomCame(of)), undefined, (change) => tell(circuitFact(change, app, now())));
  const told = new AttemptsMetrics(metrics, gate, plane);
  const events = new OperationalEvents(registry, new Publisher(broker, 'WEBHOOK_INGEST'), log);
  const life = new EndpointLife({ app, registry, store: new EndpointStore(registry, { masterKeys, now }), events, record: (tenant, fact) => plane.ledger.record(tenant, fact), log, now });
  const leases = app === 'dispatcher' ? await WatchedBucket.open(broker, 'webhook_leases', { log, pin: worlds.created('KV_webhook_leases') }) : undefined;
  const heads = leases && new OrderedHeads({ bucket: leases, brokerNowMs: () => strategy.brokerNowMs, readAgain: (of) => strategy.readAgain(of), log });
  const policy = { ...defaultPolicy, maxAgeMs: config.maxDeliveryAgeSeconds * 1_000 };
  const parkedReader = new DirectGet(broker, 'WEBHOOK_PARKED');
  const expiry = new ParkedExpiry({ reader: parkedReader, isTooOld: isTooOldBy(policy, now), onOld: (of) => strategy.roomCame(of), lookEveryMs: Math.min(LOOK_AT_HEADS_EVERY_MS, policy.maxAgeMs / 10), log });
  const deletedHeads = leases && new DeletedHeads({ leases, registry, log });
  const path = new AttemptPath({
    app,
    registry,
    client,
    gate,
    policy,
    switches,
    now,
    jitter: Math.random,
    onAttempt: (...made) => told.attempted(...made),
    onEndpoint: (...said) => life.note(...said),
    onOurs: (kind) => {
      if (told.ours(kind, log)) tell({ type: 'attempts.uncharged', v: 1, at: now().toISOString(), tenant: '_system', app, kind });
    },
    onYoung: (of) => expiry.enough(of),
    ...(heads && { heads }),
  });
  const purge = new ParkedPurge(broker, log);
  const parts: Attempter = { gate, path, switches, log, transport: () => strategy, roomInParked: roomInParked({ app, gate, path, registry, switches, homes: new Homes(app), heads, purge: (of) => purge.purge(of), expiring: (of, held) => expiry.room(of, held) }) };
  const roomElsewhere = options.room(parts);

  const strategy = new JetStreamTransport({
    app,
    replica,
    broker,
    worlds,
    log,
    decode: (message) => dueOf(message, readDelivery(message.headers)),
    settle: async (from, payload, result) => {
      const { meta, delivery, isHead } = payload as Due;
      const step = result as Step;
      const left = await settle(step, { from, meta, delivery, policy: path.policyFor(meta.endpointId), app, now, jitter: Math.random }, plane, heads);
      if (isHead === true) heads?.[step.next.go === 'stays' || step.next.go === 'waits' ? 'left' : 'ended'](meta.endpointId);
      if (step.next.go === 'waits') return left;
      // resumed since that was decided: nobody would tell it any more
      return left !== undefined && switches.suspended(meta) ? left : undefined;
    },
    room: (asked) => (asked.queue.startsWith('parked-') ? parts.roomInParked(asked.subject ?? '', asked.held, asked.waiting ?? 0) : roomElsewhere(asked)),
    mayTake: () => worlds.state.ready && registry.state.ready && switches.state.ready,
    judgeThrow: (error, message) => judgeThrow(error, message, { log, told }),
    bury: (message, why) => buryDelivery(message, why, { app, plane, policyFor: (endpointId) => path.policyFor(endpointId), heads, log, now }),
    onAlone: (origin) => {
      nowWorking(origin);
      plane.workAlone(origin !== undefined);
    },
    onShardWon: (shard) => heads?.forget(shard),
    ...(options.listing && { listing: options.listing }),
  });
  observeSuspects(metrics, () => strategy);
  switches.onChange((resumed) => {
    if (resumed) strategy.readAgain();
  });
  const roomCame = (endpointId: string): void => subjectsOf(endpointId).forEach((of) => strategy.roomCame(of));
  new EndpointChanges(registry).listen({ onReset: (endpointId) => gate.forgetCircuit(endpointId), onChange: roomCame });
  const stopTelling = tellLearnt(broker, { app, gate, shards: () => strategy.state().shards ?? [] });
  const beat = setInterval(() => {
    switches.owns(strategy.shardsHeld / allShards.length, performance.now());
    gate.beat();
    heads?.beat((endpointId) => registry.get(endpointId)?.ordered === true);
  }, BEAT_MS);
  health.check('endpoints', () => ({ ok: registry.state.ready, detail: registry.state.why }));
  health.check('switches', () => ({ ok: switches.state.ready, detail: switches.state.why }));
  health.check('queues', () => ({ ok: strategy.state().ok, detail: strategy.state() }));
  return {
    app,
    portOffset,
    config,
    module: options.module(parts),
    strategy,
    health,
    metrics,
    log,
    close: async () => {
      clearInterval(beat);
      stopTelling();
      life.close();
      events.close();
      purge.close();
      deletedHeads?.close();
      parkedReader.close();
      plane.close();
      registry.close();
      switches.close();
      leases?.close();
      worlds.close();
      await client.close();
      await broker.close();
    },
  };
};

const subjectsOf = (endpointId: string): string[] => (['first', 'later'] as const).map((kind) => subject.parked(kind, shardOf(endpointId), endpointId));

const clientOf = ({ allowNetworks, allowHttp, extraCaFile }: AttemptsConfig): WebhookClient =>
  new WebhookClient({ allowNetworks, allowHttp, ...(extraCaFile !== undefined && { extraCa: readFileSync(extraCaFile, 'utf8') }) });

/** What cannot be read is read all the same: then it ends as a dead letter of the pipeline. */
const isTooOldBy =
  (policy: Policy, clock: () => Date) =>
  ({ headers }: StoredMessage): boolean => {
    try {
      return tooOldAt(deliveryOf(readDelivery(headers)), policy, clock());
    } catch (error) {
      if (error instanceof UnreadableMessage) return true;
      throw error;
    }
  };
