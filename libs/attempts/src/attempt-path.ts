import { UnreadableMessage, type DeliveryMeta, type FailureKind } from '@spillway/contracts';
import { decide, decideUncharged, defaultPolicy, deliveryOf, expire, policyOf, shareOf, tooOldAt, type Delivery, type Outcome, type Policy } from '@spillway/delivery';
import type { EndpointRecord, EndpointRegistry } from '@spillway/endpoints';
import type { WaitingMessage } from '@spillway/jetstream';
import { sign } from '@spillway/standard-webhooks';
import { isBulkDelivery, readParked } from '@spillway/topology';
import type { WebhookClient } from '@spillway/webhook-client';
import type { Ended, Gate } from './gate.ts';
import { isSingleHome } from './home.ts';
import { isParked, type Line, type LineSettings, type Place } from './line.ts';
import type { OrderedHeads } from './ordered-heads.ts';
import { OursOrTheirs } from './ours-or-theirs.ts';
import { NoLongerOurs, ORDERED, type Step } from './plane.ts';
import type { RetrySwitches } from './retry-switches.ts';

export const DEFAULT_MAX_IN_FLIGHT = 64;
export const DEFAULT_TIMEOUT_SECONDS = 15;

/** A delivery that waits, decoded once. `place`: for its turn (or its time), or for its endpoint. */
export type Due = { from: WaitingMessage; meta: DeliveryMeta; delivery: Delivery; place: Place; /** The head of an ordered endpoint: retried in place, and the number of its attempt is not its message's. */ isHead?: boolean };

export type AttemptPathOptions = {
  app: 'dispatcher' | 'retrier';
  registry: Pick<EndpointRegistry, 'get' | 'secretOf'>;
  client: Pick<WebhookClient, 'post'>;
  gate: Gate;
  /** Where an endpoint says nothing of its own. */
  policy?: Policy;
  now: () => Date;
  jitter: () => number;
  /** Looked at before each later attempt; first ones never look. */
  switches: Pick<RetrySwitches, 'suspended' | 'mayBegin'>;
  /** Told of each attempt that was made, for metrics. */
  onAttempt?: (outcome: Outcome, durationMs: number, startedAfterMs: number) => void;
  /** Told what each attempt says of its endpoint. @param ours the fault is ours */
  onEndpoint?: (record: EndpointRecord, outcome: Outcome, ours: boolean) => void;
  /** Of ordered endpoints; only their home has them. */
  heads?: Pick<OrderedHeads, 'take' | 'release'>;
  /** Of this subject in PARKED one was read that is not too old. */
  onYoung?: (subject: string) => void;
  /** So many endpoints fail in this way that the fault is ours. */
  onOurs?: (kind: FailureKind) => void;
};

type Attempted = { outcome: Outcome; durationMs: number; probe: boolean };

/** An endpoint whose record is not in the registry: an alarm, never a reason to end a delivery. */
const parked = (reason: string): Step => ({ next: { go: 'parked', reason }, facts: [] });
const stays: Step = { next: { go: 'stays' }, facts: [] };
const staysUntilTold: Step = { next: { go: 'stays', untilTold: true }, facts: [] };
/** The fact `endpoint.deleted` ended every delivery of that endpoint; whoever meets one removes it. */
const removedWithItsEndpoint: Step = { next: { go: 'nowhere' }, facts: [] };

/** From a delivery that is due to what follows from its attempt: the same for first and for later attempts. */
export class AttemptPath {
  private readonly judge = new OursOrTheirs();

  constructor(private readonly options: AttemptPathOptions) {}

  /** Settles nothing: the caller does, with what this returns. @throws NoLongerOurs */
  async attempt(due: Due): Promise<Step> {
    const record = this.options.registry.get(due.meta.endpointId);
    if (!record) return this.withoutRecord(due);
    if (record.state === 'deleted') return removedWithItsEndpoint;
    if (record.enabled && !this.isItsTurn(due, record)) return staysUntilTold;
    const step = await this.attemptNow(due, record);
    return due.isHead === true ? inPlace(step, due.delivery, this.options.now()) : step;
  }

  /** What was read from PARKED stays there. */
  private withoutRecord(due: Due): Step {
    return this.expired(due, this.base) ?? (isParked(due.place) ? stays : parked('endpoint_absent'));
  }

  private get base(): Policy {
    return this.options.policy ?? defaultPolicy;
  }

  private expired({ delivery, place, from, isHead }: Due, policy: Policy): Step | undefined {
    const { now, app, heads, onYoung } = this.options;
    if (!tooOldAt(delivery, policy, now())) {
      if (isParked(place)) onYoung?.(from.subject);
      return undefined;
    }
    // of an ordered endpoint that is disabled: what is known of its head ends with it
    if (isHead !== true) heads?.release(delivery.endpointId, from.origin);
    return expire(delivery, 'too_old', { now: now(), app });
  }

  private async attemptNow(due: Due, record: EndpointRecord): Promise<Step> {
    const policy = policyOf(record, this.base);
    const expired = this.expired(due, policy);
    if (expired) return expired;
    if (!record.enabled) return isParked(due.place) ? stays : parked('endpoint_disabled');
    return this.elsewhereOrLater(due, record) ?? this.inTurn(due, record, policy);
  }

  /** Of an ordered endpoint only the head is attempted, when it is due. */
  private isItsTurn(due: Due, record: EndpointRecord): boolean {
    const { heads } = this.options;
    if (heads === undefined || !isParked(due.place) || readParked(due.from.subject)?.kind !== 'first') return true;
    const taken = record.ordered === true ? heads.take(record.id, due.from.origin) : { attempt: heads.release(record.id, due.from.origin) ?? due.meta.attempt };
    due.isHead = record.ordered === true && taken !== 'stray';
    if (typeof taken === 'string') return false;
    due.meta = { ...due.meta, attempt: taken.attempt };
    due.delivery = { ...due.delivery, attempt: taken.attempt };
    return true;
  }

  policyFor(endpointId: string): Policy {
    const record = this.options.registry.get(endpointId);
    return record ? policyOf(record, this.base) : this.base;
  }

  /** What this app may do at the endpoint. */
  settingsOf(record: EndpointRecord): LineSettings {
    const most = record.ordered === true ? 1 : (record.maxInFlight ?? DEFAULT_MAX_IN_FLIGHT);
    const limit = isSingleHome(record) ? most : shareOf(most)[this.options.app];
    return { tenant: record.tenant, limit: Math.max(1, limit), ratePerSecond: record.ratePerSecond };
  }

  /** What is not this app's to attempt, or not now. */
  private elsewhereOrLater({ meta, place }: Due, record: EndpointRecord): Step | undefined {
    const { app, switches } = this.options;
    if (app === 'retrier' && isSingleHome(record)) return isParked(place) ? stays : parked('single_home');
    if (app === 'dispatcher' && record.ordered === true && !isParked(place)) return parked(ORDERED);
    if (meta.attempt === 1) return undefined;
    if (switches.suspended(meta)) return staysUntilTold;
    if (switches.mayBegin(meta, performance.now(), isParked(place))) return undefined;
    return isParked(place) ? stays : parked('throttled');
  }

  private async inTurn(due: Due, record: EndpointRecord, policy: Policy): Promise<Step> {
    const { gate } = this.options;
    const line = gate.line(record.id, this.settingsOf(record));
    const entered = gate.enter(line, due.place, due.from.data.length);
    const admission = entered instanceof Promise ? await entered : entered;
    if (admission.go === 'stay') return stays;
    if (admission.go === 'park') return parked(admission.reason);
    const { probe } = admission;
    // suspended while it waited: no retry starts later than two seconds after the answer
    const suspended = due.meta.attempt > 1 && this.options.switches.suspended(due.meta);
    if (suspended) gate.leave(line, { cap: { type: 'failed' }, circuit: 'none', probe, durationMs: 0, notMade: true }, due.place);
    return suspended ? staysUntilTold : this.make(due, record, policy, line, probe);
  }

  private async make(due: Due, record: EndpointRecord, policy: Policy, line: Line, probe: boolean): Promise<Step> {
    const startedAt = performance.now();
    let ended: Ended = { cap: { type: 'failed' }, circuit: 'none', probe, durationMs: 0, notMade: true };
    try {
      if (!due.from.owned()) throw new NoLongerOurs(due.from.origin);
      const attempted = { ...(await this.post(due, record)), probe };
      const step = this.decided(due, attempted, policy, record);
      ended = this.endedBy(attempted, step, record);
      return step;
    } finally {
      this.options.gate.leave(line, { ...ended, durationMs: performance.now() - startedAt }, due.place);
    }
  }

  /** A probe that fails, and a fault that is ours, are not the delivery's to pay for. */
  private decided({ delivery }: Due, { outcome, durationMs, probe }: Attempted, policy: Policy, record: EndpointRecord): Step {
    const { now, jitter, app, onOurs, onEndpoint } = this.options;
    const ours = this.judge.note(delivery.endpointId, outcome.kind === 'failed' ? outcome.reason : undefined, performance.now());
    if (ours !== undefined) onOurs?.(ours);
    onEndpoint?.(record, outcome, ours !== undefined);
    const tookMs = Math.round(durationMs);
    // an ordered endpoint has one attempt at a time, at the pace of its schedule: no circuit, so no probe that costs nothing
    if (outcome.kind === 'failed' && ((probe && record.ordered !== true) || ours !== undefined)) {
      return decideUncharged(delivery, outcome, policy, ours === undefined ? 'circuit_open' : 'fault_is_ours', now(), tookMs, app);
    }
    return decide(delivery, outcome, policy, now(), jitter(), tookMs, app);
  }

  private endedBy({ outcome, probe, durationMs }: Attempted, { endpoint }: Step, { ordered }: EndpointRecord): Ended {
    const cap: Ended['cap'] = { type: outcome.kind === 'delivered' ? 'succeeded' : outcome.reason === 'timeout' ? 'timed_out' : 'failed' };
    const failed = outcome.kind === 'failed' ? { failed: { at: this.options.now().toISOString(), kind: outcome.reason, ...(outcome.status !== undefined && { status: outcome.status }) } } : {};
    if (ordered === true) return { cap, circuit: 'none', probe, durationMs, ...failed };
    const waitMs = endpoint?.wait === undefined ? undefined : endpoint.wait.getTime() - this.options.now().getTime();
    const waitUntilMs = waitMs === undefined ? undefined : performance.now() + waitMs;
    return outcome.kind === 'delivered' ? { cap, circuit: 'succeeded', probe, durationMs } : { cap, circuit: 'failed', probe, durationMs, waitUntilMs, ...failed };
  }

  private async post({ from, meta, delivery }: Due, record: EndpointRecord): Promise<{ outcome: Outcome; durationMs: number }> {
    const { client, registry, now, onAttempt } = this.options;
    const at = now();
    const timestampSeconds = Math.floor(at.getTime() / 1_000);
    const signature = sign({ id: meta.eventId, timestampSeconds, body: from.data, secrets: registry.secretOf(record) });
    const attempted = await client.post({
      url: record.url,
      headers: {
        ...record.headers,
        'content-type': 'application/json',
        'webhook-id': meta.eventId,
        'webhook-timestamp': String(timestampSeconds),
        'webhook-signature': signature,
      },
      body: from.data,
      timeoutMs: (record.timeoutSeconds ?? DEFAULT_TIMEOUT_SECONDS) * 1_000,
    });
    onAttempt?.(attempted.outcome, attempted.durationMs, at.getTime() - delivery.acceptedAt.getTime());
    return attempted;
  }
}

/** A fault that was ours may be over by then. */
const UNCHARGED_WAIT_MS = 10_000;

/** What would go to the calendar, or to the end of its subject, waits at its head. */
const inPlace = (step: Step, { attempt }: Delivery, now: Date): Step => {
  const { next } = step;
  if (next.go !== 'retry' && next.go !== 'parked') return step;
  const waits = next.go === 'retry' ? { attempt: next.attempt, at: next.at } : { attempt, at: new Date(now.getTime() + UNCHARGED_WAIT_MS) };
  const facts = step.facts.map((fact) => (fact.type === 'attempt.failed' ? { ...fact, next: 'parked' as const, nextAt: waits.at.toISOString() } : fact));
  return { ...step, next: { go: 'waits', ...waits }, facts };
};

/** @throws UnreadableMessage */
export const dueOf = (from: WaitingMessage, meta: DeliveryMeta): Due => {
  if (from.data.length === 0) throw new UnreadableMessage('a delivery without a body');
  const isBulk = isBulkDelivery(from.subject);
  // its subject is the last to say so: from here on it says so itself
  return { from, meta: isBulk ? { ...meta, lane: 'bulk' } : meta, delivery: deliveryOf(meta), place: placeOf(from.subject, meta) };
};

const placeOf = (subject: string, { lane }: DeliveryMeta): Place => {
  if (subject.startsWith('webhook.parked.')) return lane === 'bulk' ? 'parked_bulk' : 'parked';
  return isBulkDelivery(subject) ? 'bulk' : 'turn';
};
