import type { Metrics } from '@spillway/telemetry';
import type { JetStreamTransport } from './transport.ts';

/** @param transport asked late: it is made after what it is observed with */
export const observeSuspects = (metrics: Metrics, transport: () => Pick<JetStreamTransport, 'suspected'>): void => {
  metrics.gauge('spillway_suspects_in_hand', 'Messages that came back again and again, and are worked one at a time.', () => transport().suspected.inHand);
  metrics.counter('spillway_suspects_worked_total', 'Messages that were worked alone, under a marker.', () => transport().suspected.worked);
  metrics.counter('spillway_dead_in_pipeline_total', 'Messages that were given up by the pipeline, by reason.', () => [...transport().suspected.buried].map(([reason, value]) => ({ value, labels: { reason } })));
};
