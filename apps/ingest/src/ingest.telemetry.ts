import type { Metrics } from '@spillway/telemetry';
import type { Crowding } from './admission/crowding.ts';
import type { InFlight } from './admission/in-flight.ts';
import type { IngestStore } from './ingest-store.ts';
import type { Repeats } from './repeats/repeats.ts';
import type { TenantShares } from './share/tenant-shares.ts';

/** What ingest counts beside the requests themselves, which every app measures by route and status. */
export class IngestMetrics {
  private readonly accepted;
  private readonly refused;

  constructor(metrics: Metrics) {
    this.accepted = metrics.counter('spillway_events_accepted_total', 'Events that were stored, are on disk and were answered with 202.').with({});
    // several reasons share a status: a full stream, a broker that is away and an outcome that nobody knows are all 503
    this.refused = metrics.counter('spillway_events_not_accepted_total', 'Events that were well-formed and yet not stored, by the code of the answer.');
  }

  stored(events: number): void {
    if (events > 0) this.accepted.add(events);
  }

  notStored(code: string): void {
    this.refused.add(1, { code });
  }
}

/** What is held in memory right now, and its bounds beside it: an alert compares the two. */
export const observeMemory = (metrics: Metrics, inFlight: InFlight, store: Pick<IngestStore, 'waiting'>): void => {
  metrics.gauge('spillway_ingest_requests_in_flight', 'Requests being read or answered.', () => inFlight.requests);
  metrics.gauge('spillway_ingest_requests_in_flight_max', 'Their bound.', () => inFlight.bounds.requestsMax);
  metrics.gauge('spillway_ingest_events_in_flight', 'Events of these requests: a batch counts with each of its own.', () => inFlight.events);
  metrics.gauge('spillway_ingest_events_in_flight_max', 'Their bound.', () => inFlight.bounds.eventsMax);
  metrics.gauge('spillway_ingest_in_flight_bytes', 'Bytes of their bodies.', () => inFlight.bytes);
  metrics.gauge('spillway_ingest_in_flight_bytes_max', 'Their bound.', () => inFlight.bounds.bytesMax);
  metrics.gauge('spillway_ingest_events_waiting', 'Events handed to the publisher that have no confirmation yet.', () => store.waiting);
};

/** How many, not which: a tenant is never a label. Who it is says each of its answers, and `nats stream subjects WEBHOOK_INGEST`. */
export const observeShares = (metrics: Metrics, shares: TenantShares): void => {
  metrics.gauge('spillway_ingest_tenants_at_share', 'Tenants that have used nine tenths of their share of WEBHOOK_INGEST, or all of it.', () => shares.atTheirShare);
  metrics.gauge('spillway_ingest_largest_share_used', 'The largest part that a tenant uses of its share of WEBHOOK_INGEST, of events in a lane or of bytes: 0 to 1.', () => shares.largestUse);
  metrics.counter('spillway_ingest_share_counts_total', 'How often the broker has said what waits of each tenant: twice a second.', () => shares.timesCounted);
};

/** What is answered at the door, and never stored once more. */
export const observeRepeats = (metrics: Metrics, repeats: Repeats): void => {
  metrics.counter('spillway_ingest_duplicates_total', 'Repeats of what this process had stored lately: counted in the ledger, answered with 202, not stored.', () => repeats.counted.answered);
  metrics.counter('spillway_ingest_duplicates_let_through_total', 'Repeats that were stored after all, for dedupe to drop: the ledger did not take their fact in time.', () => repeats.counted.letThrough);
  metrics.gauge('spillway_ingest_remembered_ids', 'Events on disk whose repeats would be answered at the door.', () => repeats.state.ids);
  metrics.gauge('spillway_ingest_remembered_ids_max', 'Their bound.', () => repeats.idsMax);
};

export const observeCrowding = (metrics: Metrics, crowding: Crowding): void => {
  metrics.gauge('spillway_ingest_tenants_crowding', 'Tenants without a rate of their own whose events take the lane bulk for now, since others waited behind them, or they were refused for their share.', () => crowding.moved);
};
