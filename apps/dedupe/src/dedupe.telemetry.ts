import type { Metrics, Sample } from '@spillway/telemetry';
import { observeIndex } from './index/index.telemetry.ts';
import type { DedupeIndex } from './index/dedupe-index.ts';
import type { RecentKeys } from './recent-keys.ts';
import type { Lanes } from './lanes.ts';
import type { Counted } from './router.ts';
import type { StormWatch } from './storm/storm-watch.ts';

type Observed = { lanes: Lanes; index: DedupeIndex; recent: RecentKeys; rules: { size: number }; storms: StormWatch; inHand: () => number; crashes: () => number };

export const observe = (metrics: Metrics, { lanes, index, recent, rules, storms, inHand, crashes }: Observed): void => {
  const byLane = (what: keyof Counted) => (): Sample[] => lanes.all.map(({ lane, router }) => ({ value: router.counted[what], labels: { lane } }));
  metrics.counter('spillway_events_routed_total', 'Events fanned out to at least one endpoint.', byLane('routed'));
  metrics.counter('spillway_events_unrouted_total', 'Events that no endpoint wants.', byLane('unrouted'));
  metrics.counter('spillway_events_duplicate_total', 'Events dropped as duplicates.', byLane('duplicates'));
  metrics.counter('spillway_events_duplicate_by_content_total', 'Of these, by content, where a rule says so.', byLane('byContent'));
  metrics.counter('spillway_events_second_net_total', 'Of these, caught by the broker’s own window.', byLane('secondNet'));
  metrics.counter('spillway_deliveries_created_total', 'Deliveries made.', byLane('deliveries'));
  observeOverflow(metrics, lanes);
  metrics.counter('spillway_handler_crashes_total', 'Events that could not be routed and come again.', crashes);
  metrics.gauge('spillway_bulk_moving', 'Whether events in bulk are routed: 0 while DELIVERY is at 60 % of its bytes or more.', () => (lanes.quotaState.moving ? 1 : 0));
  metrics.gauge('spillway_recent_ids', 'Keys remembered in this process.', () => recent.size);
  metrics.gauge('spillway_dedupe_rules', 'Rules by content in force.', () => rules.size);
  metrics.gauge('spillway_messages_in_hand', 'Events taken and not settled.', inHand);
  observeStorms(metrics, storms);
  observeIndex(metrics, index);
};

const observeStorms = (metrics: Metrics, storms: StormWatch): void => {
  metrics.gauge('spillway_dedupe_storms', 'Types of tenants most of whose events are repetitions.', () => storms.storms.length);
  // the one metric that names tenants and types: the ten worst at most, and only while their storm lasts
  metrics.gauge('spillway_dedupe_storm_duplicates', 'Repetitions within half a minute, of the ten worst storms.', () => worst(storms));
  metrics.gauge('spillway_dedupe_storm_types', 'Types of tenants that are watched for storms, 1,000 at most.', () => storms.state.types);
  metrics.counter('spillway_dedupe_storm_unwatched_total', 'Events whose type was not watched, for want of room among those.', () => storms.state.unwatched);
  metrics.gauge('spillway_dedupe_storm_samples', 'Types whose contents are looked into, for a storm without a rule: 16 at most.', () => storms.state.samples);
  metrics.gauge('spillway_dedupe_storm_unsampled', 'Types that come often enough for that, and whose contents are not looked into, for want of room among those.', () => storms.state.unsampled);
};

/** Under the names of dispatcher and retrier: whoever adds them up over the apps has them all. */
const observeOverflow = (metrics: Metrics, { overflow, heldUp }: Lanes): void => {
  metrics.counter('spillway_deliveries_refused_total', 'Deliveries that a full stream had no room for, by stream.', () => [
    { value: heldUp.refused, labels: { stream: 'WEBHOOK_DELIVERY' } },
    { value: overflow.parkedRefused, labels: { stream: 'WEBHOOK_PARKED' } },
    { value: overflow.deadRefused, labels: { stream: 'WEBHOOK_DEAD' } },
  ]);
  metrics.gauge('spillway_deliveries_waiting_for_room', 'Deliveries in hand that DELIVERY has no room for; more than 0: it is full, and INGEST fills.', () => heldUp.waiting);
  metrics.counter('spillway_dead_letters_total', 'Deliveries given up, by reason; kept: whether WEBHOOK_DEAD had room.', () => [
    { value: overflow.deadKept, labels: { reason: 'parked_overflow', kept: 'true' } },
    { value: overflow.deadRefused, labels: { reason: 'parked_overflow', kept: 'false' } },
  ]);
};

const NAMED_MAX = 10;

const worst = ({ storms }: StormWatch): Sample[] =>
  storms
    .toSorted((a, b) => b.duplicates - a.duplicates)
    .slice(0, NAMED_MAX)
    .map(({ tenant, type, by, duplicates }) => ({ value: duplicates, labels: { tenant, type, by } }));
