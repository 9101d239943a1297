/**
 * What happened, in the past tense: the lines of WEBHOOK_LEDGER. Facts of one tenant travel in pages (JSON lines, ≤ 256 KiB a message) on `webhook.ledger.<tenant>`;
 * a fact's place is (stream sequence, line). Readers tolerate unknown facts and unknown fields. `v` rises only when a field changes its meaning.
 */
type Said = { v: 1; at: string };

/** What every fact about one delivery carries. `app` is the process kind that says it. */
type OfDelivery = Said & { tenant: string; event: string; endpoint: string; delivery: string; job?: string; app: string };

/** One entry of the list of deliveries an event was fanned out to. */
export type FannedOut = { id: string; endpoint: string };

type OfEvent = Said & {
  tenant: string;
  event: string;
  eventType: string;
  source: string;
  sourceId?: string;
  time?: string;
  acceptedAt: string;
  traceparent?: string;
  /** The INGEST sequence that this fact settles: the books count these. */
  ingest: number;
  /** Exactly the text that receivers get; a JSON string, so that a reader's own parser cannot change a number in it. */
  body: string;
};

/** Why an attempt failed, in a word that stays: metrics, API and docs use the same. */
export type FailureKind =
  | 'status'
  | 'timeout'
  | 'refused'
  | 'reset'
  | 'dns_error'
  | 'tls_error'
  | 'ssrf_blocked'
  | 'redirect_not_followed'
  | 'protocol_error';

export type DeadReason =
  | 'exhausted'
  | 'gone'
  | 'ssrf_blocked'
  | 'endpoint_deleted'
  | 'parked_overflow'
  | 'retry_overflow'
  | 'poison'
  | 'unreadable'
  | 'internal';

/** Where a failed attempt's delivery went. */
export type WentTo = 'retry' | 'parked' | 'dead' | 'expired';

export type Fact =
  | (OfEvent & { type: 'event.accepted'; deliveries: FannedOut[]; skipped?: string[] })
  | (OfEvent & { type: 'event.unrouted'; skipped?: string[] })
  | (Said & { type: 'event.duplicates_dropped'; tenant: string; originals: { event: string; count: number; ingest: number[]; differs?: number }[] })
  | (OfDelivery & { type: 'attempt.succeeded'; attempt: number; status: number; durationMs: number; flagged?: string })
  | (OfDelivery & {
      type: 'attempt.failed';
      attempt: number;
      kind: FailureKind;
      status?: number;
      detail?: string;
      durationMs: number;
      next: WentTo;
      nextAt?: string;
    })
  | (Said & { type: 'delivery.parked'; tenant: string; endpoint: string; app: string; reason: string; deliveries: string[] })
  | (OfDelivery & { type: 'delivery.dead'; attempt: number; reason: DeadReason; by: 'endpoint' | 'pipeline'; kept: boolean })
  | (OfDelivery & { type: 'delivery.expired'; attempt: number; reason: string })
  | (Said & {
      type: 'endpoint.created' | 'endpoint.changed' | 'endpoint.disabled' | 'endpoint.deleted';
      tenant: string;
      endpoint: string;
      by: string;
      changed?: string[];
      reason?: string;
    });

export type FactType = Fact['type'];
export type FactOf<T extends FactType> = Extract<Fact, { type: T }>;
