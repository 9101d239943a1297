import type { DeadReason, FactOf, WentTo } from '@spillway/contracts';
import type { Delivery, Failure, Outcome } from './decision.ts';

/** When, and by which app: what every fact says beside what happened. */
export type Said = { now: Date; app: string };
export type SaidOfAttempt = Said & { durationMs: number };

const ofDelivery = (delivery: Delivery, { now, app }: Said) => ({
  v: 1 as const,
  at: now.toISOString(),
  tenant: delivery.tenant,
  event: delivery.eventId,
  endpoint: delivery.endpointId,
  delivery: delivery.deliveryId,
  job: delivery.job,
  app,
  attempt: delivery.attempt,
});

type Delivered = Extract<Outcome, { kind: 'delivered' }>;

export const attemptSucceeded = (delivery: Delivery, { status, flagged }: Delivered, said: SaidOfAttempt): FactOf<'attempt.succeeded'> => ({
  type: 'attempt.succeeded',
  ...ofDelivery(delivery, said),
  status,
  durationMs: said.durationMs,
  flagged,
});

export const attemptFailed = (delivery: Delivery, failure: Failure, said: SaidOfAttempt, next: WentTo, nextAt?: Date): FactOf<'attempt.failed'> => ({
  type: 'attempt.failed',
  ...ofDelivery(delivery, said),
  kind: failure.reason,
  status: failure.status,
  detail: failure.detail,
  durationMs: said.durationMs,
  next,
  nextAt: nextAt?.toISOString(),
});

/** By whose fault: a record, so that a new reason without an answer does not compile. */
const faults: Record<DeadReason, 'endpoint' | 'pipeline'> = {
  exhausted: 'endpoint',
  gone: 'endpoint',
  ssrf_blocked: 'endpoint',
  endpoint_deleted: 'endpoint',
  parked_overflow: 'endpoint',
  retry_overflow: 'endpoint',
  poison: 'pipeline',
  unreadable: 'pipeline',
  internal: 'pipeline',
};

export const faultOf = (reason: DeadReason): 'endpoint' | 'pipeline' => faults[reason];

/** `kept` until WEBHOOK_DEAD says otherwise (`whenDeadRefuses`). */
export const deliveryDead = (delivery: Delivery, reason: DeadReason, said: Said): FactOf<'delivery.dead'> => ({
  type: 'delivery.dead',
  ...ofDelivery(delivery, said),
  reason,
  by: faultOf(reason),
  kept: true,
});

export const deliveryExpired = (delivery: Delivery, reason: string, said: Said): FactOf<'delivery.expired'> => ({
  type: 'delivery.expired',
  ...ofDelivery(delivery, said),
  reason,
});

/** One fact for all that are parked together: a flood to one endpoint must not become a flood of facts. */
export const deliveriesParked = (tenant: string, endpoint: string, deliveries: string[], reason: string, { now, app }: Said): FactOf<'delivery.parked'> => ({
  type: 'delivery.parked',
  v: 1,
  at: now.toISOString(),
  tenant,
  endpoint,
  app,
  reason,
  deliveries,
});
