import { getPriority, hostname, setPriority } from 'node:os';
import { assertSynced, joinPlane, Pager, type Broker, type PinnedWorlds } from '@spillway/jetstream';
import { KeyRing } from '@spillway/keys';
import { Health, requestDurations, type Service } from '@spillway/service-kit';
import { createLogger, Metrics, type Logger } from '@spillway/telemetry';
import { ID_WINDOW_SECONDS, subject } from '@spillway/topology';
import type { FastifyInstance } from 'fastify';
import { Acceptance } from './acceptance.ts';
import { Crowding } from './admission/crowding.ts';
import { watchCrowding } from './admission/crowding-watch.ts';
import { FrontDoor } from './admission/front-door.ts';
import { InFlight } from './admission/in-flight.ts';
import { KeyRates } from './admission/key-rates.ts';
import { Lanes } from './admission/lanes.ts';
import { WatchedSettings } from './admission/tenant-settings.ts';
import { EventsEndpoint } from './http/events-endpoint.ts';
import { withShortcut } from './http/shortcut.ts';
import { slowClientLimits } from './http/slow-client-limits.ts';
import { IngestStore } from './ingest-store.ts';
import type { IngestConfig } from './ingest.config.ts';
import { IngestModule } from './ingest.module.ts';
import { IngestMetrics, observeCrowding, observeMemory, observeRepeats, observeShares } from './ingest.telemetry.ts';
import { DroppedByType } from './repeats/dropped-by-type.ts';
import { Repeats, ROUND_MS } from './repeats/repeats.ts';
import { StoredIds } from './repeats/stored-ids.ts';
import { watchShares } from './share/share-watch.ts';
import { TenantShares } from './share/tenant-shares.ts';

const APP = 'ingest';
const MOST_NICE = 19;

const brokerFault = (broker: Broker, worlds: PinnedWorlds) => (): string | undefined => {
  if (!broker.connected) return 'the broker is away: the event was not stored';
  return worlds.state.ready ? undefined : 'the broker that answers is not known to be the right one: the event was not stored';
};

/**
 * The endpoint reads them itself: as the bytes they came in, and within its own bounds. Before any parser Fastify judges the content type, in words of its own
 * and before anybody asked for a key: it is shown one that it has nothing to say to.
 */
const leaveBodiesUnread = (fastify: FastifyInstance): void => {
  fastify.removeAllContentTypeParsers();
  fastify.addContentTypeParser('*', (_request, _payload, done) => done(null));
  fastify.addHook('onRequest', (request, _reply, done) => {
    request.headers = { 'content-type': 'application/octet-stream' }; // laid over the real ones, which stay in `request.raw`
    done();
  });
};

/** Of its main thread, and of the threads that are made after it. From where whoever started it put it: to come forward again takes rights that it need not have. */
const standBack = (by: number, log: Logger): void => {
  if (by === 0) return;
  try {
    setPriority(Math.min(MOST_NICE, getPriority() + by));
  } catch (error) {
    log.warn({ err: error }, 'ingest does not stand back when the processors are full: this system does not let it (SPILLWAY_NICE=0 asks for nothing)');
  }
};

/** Everything an ingest consists of, wired; no request is taken before it is served. */
export const ingest = async (config: IngestConfig): Promise<Service> => {
  const log = createLogger(APP, config.logLevel);
  const metrics = new Metrics(APP);
  const health = new Health();
  const { natsMonitorUrl: monitorUrl, allowUnsynced, maxEventBytes, acceptDeadlineMs } = config;
  standBack(config.nice, log);
  // before anything else: a 202 of this process would promise what the broker does not keep
  const synced = await assertSynced({ monitorUrl, allowUnsynced, log });
  const { broker, worlds } = await joinPlane(config, { app: APP, log, health, host: hostname() });
  const keys = await KeyRing.open(broker, { log, pin: worlds.created('KV_webhook_keys'), adminKey: config.adminKey });
  const inFlight = new InFlight({ requestsMax: config.maxRequestsInFlight, eventsMax: config.maxEventsInFlight, bytesMax: config.maxBytesInFlight });
  const store = new IngestStore(broker, {
    // a message waits at most one such time for its group to be sent, and one for the group's answer
    timeoutMs: acceptDeadlineMs / 2,
    // the door's bounds: here they would be met a second time, never first
    maxWaiting: config.maxEventsInFlight,
    maxWaitingBytes: 2 * config.maxBytesInFlight,
  });
  const settings = await WatchedSettings.open(broker, { log, pin: worlds.created('KV_webhook_endpoints') });
  const crowding = new Crowding({
    crowdedAt: config.crowdedEvents,
    onMoved: (tenant, to) => log.warn({ tenant }, to === 'bulk' ? 'others wait behind a tenant, or it is refused for its share: its events take the lane bulk for now' : 'nobody waits behind a tenant any more: its events are fresh again'),
  });
  const lanes = new Lanes(crowding);
  settings.onChange((tenant, { ratePerSecond }, isOrdered) => {
    lanes.setRate(tenant, ratePerSecond);
    lanes.setOrdered(tenant, isOrdered);
  });
  const shares = new TenantShares({
    defaultShare: config.tenantShare,
    shareOf: (tenant) => settings.of(tenant)?.share,
    // half of what this process holds: one tenant never takes the others' places in it
    inFlightMax: Math.ceil(config.maxEventsInFlight / 2),
    inFlightBytesMax: Math.ceil(config.maxBytesInFlight / 2),
    keepApart: (of, forMs) => store.keepApart(of, forMs),
    onRefused: (tenant) => crowding.refused(tenant),
  });
  const counting = await watchShares(broker, shares, log);
  const crowdingWatch = watchCrowding(broker, crowding, () => ({ bytes: shares.meanBytes, events: store.perMessage }), log);
  const door = new FrontDoor({ keys, inFlight, shares, rates: new KeyRates(), maxEventBytes, brokerFault: brokerFault(broker, worlds) });
  const ledger = new Pager(broker);
  const told = new DroppedByType((dropped) => {
    if (broker.connected) broker.nc.publish(subject.tellDropped, JSON.stringify(dropped));
  });
  const repeats = new Repeats({
    ids: new StoredIds(config.doorIds, ID_WINDOW_SECONDS * 1_000),
    record: ledger.record.bind(ledger),
    // half of the deadline, with its round; the other half is for the usual way
    factWithinMs: acceptDeadlineMs / 2 - ROUND_MS,
    told,
    log,
    now: () => new Date(),
  });
  // whatever answers next may be another broker, or another stream of that name
  worlds.onChange(({ ready }) => ready || repeats.forget());
  const acceptance = new Acceptance({ store, repeats, lanes, shares, metrics: new IngestMetrics(metrics), maxEventBytes, lateMs: acceptDeadlineMs / 2 });
  const endpoint = new EventsEndpoint(door, acceptance, maxEventBytes, requestDurations(metrics), log);
  observeMemory(metrics, inFlight, store);
  observeShares(metrics, shares);
  observeRepeats(metrics, repeats);
  observeCrowding(metrics, crowding);
  health.check('keys', () => ({ ok: keys.state.ready, detail: keys.state.why }));
  health.check('settings', () => ({ ok: true, detail: settings.state.why })); // without them events are taken all the same, by the defaults
  health.check('repeats', () => ({ ok: true, detail: repeats.state })); // what it does not know dedupe does
  health.check('synced', () => ({ ok: true, detail: synced.detail }));
  return {
    app: APP,
    portOffset: 0,
    config,
    module: IngestModule.with(endpoint),
    fastify: { serverFactory: withShortcut(endpoint), ...slowClientLimits(config) },
    prepare: (nest) => leaveBodiesUnread(nest.getHttpAdapter().getInstance()),
    health,
    metrics,
    log,
    close: async () => {
      synced.stop();
      counting.stop();
      crowdingWatch.stop();
      keys.close();
      settings.close();
      worlds.close();
      told.close();
      ledger.close();
      await broker.close();
    },
  };
};
