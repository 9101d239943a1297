import { hostname } from 'node:os';
import { readEvent, UnreadableMessage } from '@spillway/contracts';
import { EndpointRegistry } from '@spillway/endpoints';
import { buryUnreadable, JetStreamTransport, joinPlane, Pager, Publisher, type Room, type WaitingMessage } from '@spillway/jetstream';
import { Health, type Service } from '@spillway/service-kit';
import { createLogger, Metrics } from '@spillway/telemetry';
import { ID_WINDOW_SECONDS } from '@spillway/topology';
import type { DedupeConfig } from './dedupe.config.ts';
import { DedupeModule } from './dedupe.module.ts';
import { Duplicates } from './duplicates.ts';
import { RecentIds } from './recent-ids.ts';
import { NotInSight, Router, type Routing } from './router.ts';

const APP = 'dedupe';
/** Two rounds of dropped duplicates (1,000 each): while one is being written the next fills. */
const HELD_MAX = 2_000;
const HELD_BYTES_MAX = 64 * 2 ** 20;

const now = (): Date => new Date();
const room: Room = ({ held, heldBytes }) => (heldBytes < HELD_BYTES_MAX ? HELD_MAX - held : 0);

/** Everything a dedupe consists of, wired; nothing is taken before it is served. */
export const dedupe = async (config: DedupeConfig): Promise<Service> => {
  const log = createLogger(APP, config.logLevel);
  const metrics = new Metrics(APP);
  const health = new Health();
  const { broker, worlds, replica } = await joinPlane(config, { app: APP, log, health, host: hostname() });
  const registry = await EndpointRegistry.open(broker, { log, pin: worlds.created('KV_webhook_endpoints') });
  const ledger = new Pager(broker);
  const delivery = new Publisher(broker, 'WEBHOOK_DELIVERY');
  const dead = new Publisher(broker, 'WEBHOOK_DEAD');
  const record = ledger.record.bind(ledger);
  const recent = new RecentIds(config.recentIds, ID_WINDOW_SECONDS * 1_000);
  const router = new Router({ registry, delivery, record, recent, duplicates: new Duplicates(record, now), now });
  let crashes = 0;

  const onCrash = async (error: unknown, message: WaitingMessage): Promise<void> => {
    if (error instanceof UnreadableMessage) {
      log.error({ origin: message.origin, err: error }, 'unreadable event, kept as a dead letter of the pipeline');
      return buryUnreadable(dead, message, APP, error.message);
    }
    crashes += 1;
    if (error instanceof NotInSight) log.warn({ origin: message.origin }, error.message);
    else log.error({ origin: message.origin, err: error }, 'an event could not be routed, it comes again');
  };
  const strategy = new JetStreamTransport({
    app: APP,
    replica,
    broker,
    worlds,
    log,
    decode: (message): Routing => ({ message, meta: readEvent(message.headers) }),
    settle: async (message) => message.remove(),
    room,
    mayTake: () => registry.state.ready,
    onCrash,
  });
  const { counted } = router;
  metrics.counter('spillway_events_routed_total', 'Events fanned out to at least one endpoint.', () => counted.routed);
  metrics.counter('spillway_events_unrouted_total', 'Events that no endpoint wants.', () => counted.unrouted);
  metrics.counter('spillway_events_duplicate_total', 'Events dropped as duplicates.', () => counted.duplicates);
  metrics.counter('spillway_events_second_net_total', 'Of these, caught by the broker’s own window.', () => counted.secondNet);
  metrics.counter('spillway_deliveries_created_total', 'Deliveries made.', () => counted.deliveries);
  metrics.counter('spillway_handler_crashes_total', 'Events that could not be routed and come again.', () => crashes);
  metrics.gauge('spillway_recent_ids', 'Event ids remembered.', () => recent.size);
  metrics.gauge('spillway_messages_in_hand', 'Events taken and not settled.', () => strategy.inHand);
  health.check('endpoints', () => ({ ok: registry.state.ready, detail: registry.state.why }));
  health.check('queues', () => ({ ok: strategy.state().ok, detail: strategy.state() }));
  return {
    app: APP,
    portOffset: 4,
    config,
    module: DedupeModule.with(router),
    strategy,
    health,
    metrics,
    log,
    close: async () => {
      ledger.close();
      registry.close();
      await broker.close();
    },
  };
};
