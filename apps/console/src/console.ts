import { hostname } from 'node:os';
import { EndpointRegistry, EndpointStore, parseMasterKeys } from '@spillway/endpoints';
import { DirectGet, joinPlane, Pager, Publisher, Remover, ShardOwner, WatchedBucket } from '@spillway/jetstream';
import { KeyRing } from '@spillway/keys';
import { Health, type Service } from '@spillway/service-kit';
import { createLogger, Metrics } from '@spillway/telemetry';
import { urlRules } from '@spillway/webhook-client';
import type { ConsoleConfig } from './console.config.ts';
import { ConsoleModule } from './console.module.ts';
import { ConsoleRules } from './console.rules.ts';
import { DeadEnd } from './dead/dead-end.ts';
import { DeadLetters } from './dead/dead-letters.ts';
import { Replay } from './dead/replay.ts';
import { LearntByOwners } from './endpoints/learnt-by-owners.ts';
import { ParkedCounts } from './endpoints/parked-counts.ts';
import { DedupeRules } from './dedupe-rules/dedupe-rules.ts';
import { TestEvents } from './endpoints/test-events.ts';
import { FactLog } from './facts/fact-log.ts';
import { JobRunner } from './jobs/job-runner.ts';
import { JobStore } from './jobs/job-store.ts';
import { SwitchStore } from './retries/switch-store.ts';
import { WaitingRetriesOf } from './retries/waiting-retries.ts';
import { Owners } from './status/owners.ts';
import { PlaneStatus } from './status/plane-status.ts';

const APP = 'console';

/** The largest body we take: an event type with its example and schema, with room. */
const MAX_BODY_BYTES = 256 * 1024;

/** How soon a job begins that was asked for. */
const TICK_MS = 100;

/** Everything a console consists of, wired. */
export const consoleApp = async (config: ConsoleConfig): Promise<Service> => {
  const log = createLogger(APP, config.logLevel);
  const metrics = new Metrics(APP);
  const health = new Health();
  const rules = new ConsoleRules(urlRules({ allowNetworks: config.allowNetworks, allowHttp: config.allowHttp }));
  const masterKeys = parseMasterKeys(config.masterKey);
  const { broker, worlds, replica } = await joinPlane(config, { app: APP, log, health, host: hostname() });
  const registry = await EndpointRegistry.open(broker, { log, pin: worlds.created('KV_webhook_endpoints'), masterKeys });
  const keys = await KeyRing.open(broker, { log, pin: worlds.created('KV_webhook_keys'), adminKey: config.adminKey });
  const leases = await WatchedBucket.open(broker, 'webhook_leases', { log, pin: worlds.created('KV_webhook_leases') });
  const control = await WatchedBucket.open(broker, 'webhook_control', { log, pin: worlds.created('KV_webhook_control') });
  const ledger = new Pager(broker);
  const ingest = new Publisher(broker, 'WEBHOOK_INGEST');
  const dead = new DirectGet(broker, 'WEBHOOK_DEAD');
  const letters = new DeadLetters(dead);
  const jobs = new JobStore(control);
  const replay = new Replay({ letters, registry, ingest, ledger, remover: Remover.of(broker), now: () => new Date() });
  // jobs are worked by one console at a time: a shard of its own, so whoever holds it is watched and replaced like every owner
  const runner = new ShardOwner({
    broker,
    app: APP,
    replica,
    log,
    shards: [0],
    pin: worlds.created('KV_webhook_leases'),
    tickEveryMs: TICK_MS,
    open: (_, lease) => new JobRunner({ store: jobs, lease, log, slice: replay.slice }),
  });
  runner.start();
  const owners = new Owners(leases);
  health.check('endpoints', () => ({ ok: registry.state.ready, detail: registry.state.why }));
  health.check('keys', () => ({ ok: keys.state.ready, detail: keys.state.why }));
  health.check('switches', () => ({ ok: control.state.ready, detail: control.state.why }));
  metrics.gauge('spillway_ledger_facts_unwritten', 'Facts told and not stored yet.', () => ledger.unwritten);
  return {
    app: APP,
    portOffset: 1,
    config,
    module: ConsoleModule.with({
      registry,
      keys,
      rules,
      store: new EndpointStore(registry, { masterKeys, maxEndpoints: config.maxEndpointsPerTenant }),
      facts: new FactLog(ledger, log),
      status: new PlaneStatus(broker, owners),
      switches: new SwitchStore(control),
      retries: new WaitingRetriesOf(broker),
      dedupeRules: new DedupeRules(control),
      parked: new ParkedCounts(broker),
      learnt: new LearntByOwners(broker, owners),
      tests: new TestEvents(ingest),
      letters,
      deadEnd: new DeadEnd(broker),
      jobs,
    }),
    fastify: { bodyLimit: MAX_BODY_BYTES },
    health,
    metrics,
    log,
    close: async () => {
      await runner.drain();
      dead.close();
      ledger.close();
      leases.close();
      control.close();
      registry.close();
      keys.close();
      worlds.close();
      await broker.close();
    },
  };
};
