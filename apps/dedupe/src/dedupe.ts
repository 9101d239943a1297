import { hostname } from 'node:os';
import { readEvent, type Fact } from '@spillway/contracts';
import { EndpointRegistry } from '@spillway/endpoints';
import { JetStreamTransport, joinPlane, observeSuspects, Pager, Publisher, WatchedBucket } from '@spillway/jetstream';
import { Health, nowWorking, type Service } from '@spillway/service-kit';
import { createLogger, Metrics } from '@spillway/telemetry';
import { Admission } from './admission.ts';
import { WatchedRules } from './content/watched-rules.ts';
import { deadInPipeline } from './dead-in-pipeline.ts';
import type { DedupeConfig } from './dedupe.config.ts';
import { DedupeModule } from './dedupe.module.ts';
import { observe } from './dedupe.telemetry.ts';
import { factOf } from './index/index-facts.ts';
import { IndexStatus } from './index/index-status.ts';
import { worldOf } from './index/mark.ts';
import { openIndex } from './index/open-index.ts';
import { RedisIndex } from './index/redis-index.ts';
import { Lanes } from './lanes.ts';
import { RecentKeys } from './recent-keys.ts';
import type { Routing } from './router.ts';
import { followDoor } from './storm/dropped-at-door.ts';
import { SLICE_MS, stormFact, StormWatch, type Storm } from './storm/storm-watch.ts';

const APP = 'dedupe';
/** Events wait for the rules by content as long as this at a start, since without them they would pass; no longer, since a rule is no reason to stand still. */
const RULES_WITHIN_MS = 10_000;

const now = (): Date => new Date();

/** Everything a dedupe consists of, wired; nothing is taken before it is served. */
export const dedupe = async (config: DedupeConfig): Promise<Service> => {
  const log = createLogger(APP, config.logLevel);
  const metrics = new Metrics(APP);
  const health = new Health();
  const { broker, worlds, replica } = await joinPlane(config, { app: APP, log, health, host: hostname() });
  const registry = await EndpointRegistry.open(broker, { log, pin: worlds.created('KV_webhook_endpoints') });
  const ledger = new Pager(broker);
  const dead = new Publisher(broker, 'WEBHOOK_DEAD');
  const record = ledger.record.bind(ledger);
  const control = await WatchedBucket.open(broker, 'webhook_control', { log, pin: worlds.created('KV_webhook_control') });
  const rules = new WatchedRules(control, log);
  const index = await openIndex(config, log);
  const status = new IndexStatus(index, control, log);
  const recent = new RecentKeys(config.recentIds, index.windowMs);
  const admission = new Admission({ recent, index, rules, world: worldOf(worlds.created('WEBHOOK_INGEST')) });
  const storms = new StormWatch({ ratioMin: config.stormRatio, duplicatesMin: config.stormDuplicates, tell: (storm) => tellStorm(storm) });
  const lanes = new Lanes({ app: APP, broker, registry, admission, storms, log, now });
  const startedAt = performance.now();
  const turning = setInterval(() => storms.turn(), SLICE_MS);
  turning.unref();
  const unfollow = followDoor(broker, storms);
  let crashes = 0;

  const tell = (tenant: string, fact: Fact): void => {
    record(tenant, fact).catch((error: unknown) => log.error({ err: error, fact }, 'this could not be told to the ledger'));
  };
  const tellStorm = (storm: Storm): void => {
    const fact = stormFact(storm, now());
    log.warn(fact, 'most events of this type are repetitions');
    tell(storm.tenant, fact);
  };
  const strategy = new JetStreamTransport({
    app: APP,
    replica,
    broker,
    worlds,
    log,
    decode: (message): Routing => ({ message, meta: readEvent(message.headers) }),
    settle: async (message) => message.remove(),
    room: lanes.room,
    screen: lanes.screen,
    mayTake: () => registry.state.ready && (control.state.ready || performance.now() - startedAt > RULES_WITHIN_MS),
    onAlone: (origin) => {
      nowWorking(origin);
      lanes.workAlone(origin !== undefined);
    },
    ...deadInPipeline({ app: APP, dead, lanes, record, log, now, onCrash: () => (crashes += 1) }),
  });
  observeSuspects(metrics, () => strategy);
  observe(metrics, { lanes, index, storms, recent, rules, inHand: () => strategy.inHand, crashes: () => crashes });
  if (index instanceof RedisIndex) {
    index.onChange((change) => {
      void status.say();
      tell('_system', factOf(change, replica, now()));
    });
  }
  health.check('endpoints', () => ({ ok: registry.state.ready, detail: registry.state.why }));
  // never a reason to be unready: without it events go on
  health.check('dedupe', () => ({ ok: true, detail: { ...status.current, rules: rules.size, ...(!control.state.ready && { rulesUncertain: control.state.why }), storms: storms.storms.map(({ tenant, type, by, duplicates }) => ({ tenant, type, by, duplicates })), ...index.detail() } }));
  // stopped at 60 % of DELIVERY is what it is meant to do
  health.check('bulk', () => ({ ok: true, detail: lanes.quotaState }));
  // nor is a full DELIVERY: what was taken waits, what comes stays in INGEST
  health.check('delivery', () => ({ ok: true, detail: { isFull: lanes.heldUp.waiting > 0, waitingForRoom: lanes.heldUp.waiting } }));
  health.check('queues', () => ({ ok: strategy.state().ok, detail: strategy.state() }));
  return {
    app: APP,
    portOffset: 4,
    config,
    module: DedupeModule.with(lanes),
    strategy,
    health,
    metrics,
    log,
    close: async () => {
      clearInterval(turning);
      unfollow();
      lanes.close();
      ledger.close();
      registry.close();
      status.close();
      control.close();
      worlds.close();
      await index.close();
      await broker.close();
    },
  };
};
