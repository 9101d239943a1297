import { UnreadableMessage, type DeliveryMeta } from '@spillway/contracts';
import { decide, deliveryOf, expire, policyOf, shareOf, tooOldAt, defaultPolicy, type CapEvent, type Delivery, type Outcome, type Policy } from '@spillway/delivery';
import type { EndpointRecord, EndpointRegistry } from '@spillway/endpoints';
import type { WaitingMessage } from '@spillway/jetstream';
import { sign } from '@spillway/standard-webhooks';
import type { WebhookClient } from '@spillway/webhook-client';
import type { Gate } from './gate.ts';
import { NoLongerOurs, type Step } from './plane.ts';

export const DEFAULT_MAX_IN_FLIGHT = 64;
export const DEFAULT_TIMEOUT_SECONDS = 15;

/** A delivery that waits, decoded once. */
export type Due = { from: WaitingMessage; meta: DeliveryMeta; delivery: Delivery; place: 'turn' | 'parked' };

export type AttemptPathOptions = {
  app: 'dispatcher' | 'retrier';
  registry: Pick<EndpointRegistry, 'get' | 'secretOf'>;
  client: Pick<WebhookClient, 'post'>;
  gate: Gate;
  now: () => Date;
  jitter: () => number;
  /** Told of each attempt that was made, for metrics. */
  onAttempt?: (outcome: Outcome, durationMs: number, startedAfterMs: number) => void;
};

/** An endpoint whose record is not in the registry: an alarm, never a reason to end a delivery. */
const parked = (reason: string): Step => ({ next: { go: 'parked', reason }, facts: [] });
/** The fact `endpoint.deleted` ended every delivery of that endpoint; whoever meets one removes it. */
const removedWithItsEndpoint: Step = { next: { go: 'nowhere' }, facts: [] };

/** From a delivery that is due to what follows from its attempt: the same for first and for later attempts. */
export class AttemptPath {
  constructor(private readonly options: AttemptPathOptions) {}

  /** Settles nothing: the caller does, with what this returns. @throws NoLongerOurs */
  async attempt(due: Due): Promise<Step> {
    const record = this.options.registry.get(due.meta.endpointId);
    if (!record) return parked('endpoint_absent');
    if (record.state === 'deleted') return removedWithItsEndpoint;
    const { now, app } = this.options;
    const policy = this.policy(record);
    if (tooOldAt(due.delivery, policy, now())) return expire(due.delivery, 'too_old', { now: now(), app });
    if (!record.enabled) return parked('endpoint_disabled');
    return this.inTurn(due, record, policy);
  }

  policyFor(endpointId: string): Policy {
    const record = this.options.registry.get(endpointId);
    return record ? this.policy(record) : defaultPolicy;
  }

  /** How many at once this app may have at the endpoint. */
  limitOf(record: Pick<EndpointRecord, 'maxInFlight'>): number {
    return shareOf(record.maxInFlight ?? DEFAULT_MAX_IN_FLIGHT)[this.options.app];
  }

  private policy(record: EndpointRecord): Policy {
    return policyOf(record);
  }

  private async inTurn(due: Due, record: EndpointRecord, policy: Policy): Promise<Step> {
    const { gate } = this.options;
    const line = gate.line(record.id, this.limitOf(record));
    const entered = gate.enter(line, due.place, due.from.data.length);
    if (entered !== true && !(await entered)) return parked('at_cap');
    const startedAt = performance.now();
    let event: CapEvent = { type: 'failed' };
    try {
      if (!due.from.owned()) throw new NoLongerOurs(due.from.origin);
      const { outcome, durationMs } = await this.post(due, record);
      event = capEventOf(outcome);
      return decide(due.delivery, outcome, policy, this.options.now(), this.options.jitter(), Math.round(durationMs), this.options.app);
    } finally {
      gate.leave(line, event, performance.now() - startedAt);
    }
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

const capEventOf = (outcome: Outcome): CapEvent => {
  if (outcome.kind === 'delivered') return { type: 'succeeded' };
  return { type: outcome.reason === 'timeout' ? 'timed_out' : 'failed' };
};

/** @throws UnreadableMessage */
export const dueOf = (from: WaitingMessage, meta: DeliveryMeta): Due => {
  const place = from.subject.startsWith('webhook.delivery.') ? 'turn' : 'parked';
  if (from.data.length === 0) throw new UnreadableMessage('a delivery without a body');
  return { from, meta, delivery: deliveryOf(meta), place };
};
