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
  /** The acceptance that this fact settles (see `acceptanceNumber`): the books count these. */
  ingest: number;
  /** Exactly the text that receivers get; a JSON string, so that a reader's own parser cannot change a number in it. */
  body?: string;
  /** In place of `body`, where that would make the fact larger than a message of the ledger may be: how large it was. */
  omittedBodyBytes?: number;
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

export type LastFailure = { /** RFC 3339. */ at: string; kind: FailureKind; status?: number };

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

/** Who drops duplicates. */
export type DroppedBy = 'dedupe' | 'ingest';

/** What a duplicate is a duplicate of, with all that was dropped for it in one interval. */
export type DroppedOriginal = {
  /** The event that stands for them. */
  event: string;
  /** `id`: the same event once more. `content`: other events of the same content, where a rule says so. */
  by: 'id' | 'content';
  count: number;
  /** The acceptances that this settles (see `acceptanceNumber`). None of what ingest dropped at its door: those were never stored, and are no acceptances. */
  ingest: number[];
  /** By content: the dropped events' own ids, in the order of `ingest`. By id they are the original's. */
  dropped?: string[];
  /** By id: how many of them had another body than the original. */
  differs?: number;
};

/** Why dedupe does without its Redis for the moment: not reachable, too slow, without memory to write, read-only, or refusing for another reason. */
export type DedupeFault = 'away' | 'slow' | 'full' | 'read_only' | 'refused';

/** Of the whole plane: in the ledger of the tenant `_system`. */
type OfDedupe = Said & { tenant: '_system'; app: 'dedupe'; replica: string };

/** A switch over later attempts was turned. `by`: whose key. */
type OfSwitch = Said & { tenant: string; of: 'all' | 'tenant' | 'endpoint'; endpoint?: string; by: string };

export type Fact =
  | (OfEvent & { type: 'event.accepted'; deliveries: FannedOut[]; skipped?: string[] })
  | (OfEvent & { type: 'event.unrouted'; skipped?: string[] })
  // given up before it was routed: it ended whoever worked it, or dedupe could do nothing with it. `job` and `endpoint` of what a job made
  | (OfEvent & { type: 'event.dead'; reason: DeadReason; by: 'pipeline'; kept: boolean; app: string; job?: string; endpoint?: string })
  // `app`: dedupe, out of INGEST; or ingest, at its door. Absent in facts from before there was a door: dedupe
  | (Said & { type: 'event.duplicates_dropped'; tenant: string; app?: DroppedBy; originals: DroppedOriginal[] })
  // events pass unchecked by Redis meanwhile: what remains are the recent ids and the broker's own window (`fallbackWindowSeconds`)
  | (OfDedupe & { type: 'dedupe.degraded'; why: DedupeFault; detail: string; fallbackWindowSeconds: number })
  | (OfDedupe & { type: 'dedupe.restored'; degradedMs: number; /** Events that went on unchecked meanwhile. */ passed: number })
  // more duplicates of a type than honest producers send. By id they are dropped already; by content they are delivered, until there is a rule: the suggested one would stop it
  | (Said & {
      type: 'dedupe.storm';
      tenant: string;
      app: 'dedupe';
      eventType: string;
      by: 'id' | 'content';
      /** Within the last `overMs`; by content they are estimated from a sample. */
      events: number;
      duplicates: number;
      overMs: number;
      /** One of the duplicates, and what it repeats, to look at. */
      example?: { event: string; of: string };
      /** Only by content: as `POST /v1/dedupe/rules` takes it. */
      rule?: { tenant: string; type: string; ignore: string[]; windowSeconds: number };
    })
  | (Said & { type: 'dedupe.rule_set' | 'dedupe.rule_removed'; tenant: string; rule: string; eventType: string; ignore: string[]; windowSeconds: number; by: string })
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
  // `nextAt`: PARKED had no room, and it waits in the calendar until then, with no attempt charged
  | (Said & { type: 'delivery.parked'; tenant: string; endpoint: string; app: string; reason: string; deliveries: string[]; nextAt?: string })
  | (OfDelivery & { type: 'delivery.dead'; attempt: number; reason: DeadReason; by: 'endpoint' | 'pipeline'; kept: boolean })
  | (OfDelivery & { type: 'delivery.expired'; attempt: number; reason: string })
  // a dead letter went back to INGEST: as a delivery of its own, which stands for `replaces`; or, dead before it was routed, as the event
  | (OfDelivery & { type: 'delivery.replayed'; job: string; by: string; replaces: string })
  | (Said & { type: 'event.replayed'; tenant: string; event: string; job: string; by: string; app: string })
  | (Said & {
      type: 'endpoint.created' | 'endpoint.changed' | 'endpoint.disabled' | 'endpoint.deleted';
      tenant: string;
      endpoint: string;
      by: string;
      changed?: string[];
      reason?: string;
    })
  // so many endpoints fail alike that the fault is ours: nobody is charged or disabled meanwhile. Once a minute while it lasts, from each process
  | (Said & { type: 'attempts.uncharged'; tenant: '_system'; app: string; kind: FailureKind })
  // as one app has learnt it from its own attempts; `asked_to_wait`: it said Retry-After. `reset`: it was enabled, or has another address
  | (Said & { type: 'circuit.opened'; tenant: string; endpoint: string; app: string; reason: 'failures' | 'asked_to_wait'; lastFailure?: LastFailure })
  | (Said & { type: 'circuit.closed'; tenant: string; endpoint: string; app: string; reason: 'answered' | 'reset'; openMs: number })
  // of later attempts: all of them (then the tenant is `_system`), one tenant's or one endpoint's
  | (OfSwitch & { type: 'retries.suspended' | 'retries.resumed' })
  | (OfSwitch & { type: 'retries.throttled'; /** `null`: no longer. */ perSecond: number | null });

export type FactType = Fact['type'];

/** As it is told where its body does not fit; the same object back when it has none. */
export const withoutBody = (fact: Fact): Fact => {
  if (!('body' in fact) || fact.body === undefined) return fact;
  const { body, ...rest } = fact;
  return { ...rest, omittedBodyBytes: Buffer.byteLength(body) };
};
export type FactOf<T extends FactType> = Extract<Fact, { type: T }>;
