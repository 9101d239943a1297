import type { Metrics } from '@spillway/telemetry';
import { observeIndex } from './index/index.telemetry.ts';
import type { DedupeIndex } from './index/dedupe-index.ts';
import type { RecentKeys } from './recent-keys.ts';
import type { Counted } from './router.ts';

type Observed = { counted: Counted; index: DedupeIndex; recent: RecentKeys; rules: { size: number }; inHand: () => number; crashes: () => number };

export const observe = (metrics: Metrics, { counted, index, recent, rules, inHand, crashes }: Observed): void => {
  metrics.counter('spillway_events_routed_total', 'Events fanned out to at least one endpoint.', () => counted.routed);
  metrics.counter('spillway_events_unrouted_total', 'Events that no endpoint wants.', () => counted.unrouted);
  metrics.counter('spillway_events_duplicate_total', 'Events dropped as duplicates.', () => counted.duplicates);
  metrics.counter('spillway_events_duplicate_by_content_total', 'Of these, by content, where a rule says so.', () => counted.byContent);
  metrics.counter('spillway_events_second_net_total', 'Of these, caught by the broker’s own window.', () => counted.secondNet);
  metrics.counter('spillway_deliveries_created_total', 'Deliveries made.', () => counted.deliveries);
  metrics.counter('spillway_handler_crashes_total', 'Events that could not be routed and come again.', crashes);
  metrics.gauge('spillway_recent_ids', 'Keys remembered in this process.', () => recent.size);
  metrics.gauge('spillway_dedupe_rules', 'Rules by content in force.', () => rules.size);
  metrics.gauge('spillway_messages_in_hand', 'Events taken and not settled.', inHand);
  observeIndex(metrics, index);
};
