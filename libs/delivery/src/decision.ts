import { deliveryId, UnreadableMessage, type DeadReason, type DeliveryMeta, type Fact, type FailureKind } from '@spillway/contracts';

/** The duty to bring one event to one endpoint, as it stands before an attempt: enough to decide without loading anything. */
export type Delivery = {
  eventId: string;
  endpointId: string;
  deliveryId: string;
  tenant: string;
  job?: string;
  /** The number of the attempt that is made now, from 1. */
  attempt: number;
  acceptedAt: Date;
};

/** What came of one attempt. What a receiver does wrong is a value, never an exception. */
export type Outcome =
  | { kind: 'delivered'; status: number; flagged?: string }
  | {
      kind: 'failed';
      reason: FailureKind;
      status?: number;
      /** The raw `Retry-After`, as the receiver sent it. */
      retryAfter?: string;
      detail?: string;
    };
export type Failure = Extract<Outcome, { kind: 'failed' }>;

/** Where a delivery goes when its attempt has an outcome. It never stays: what has an outcome is removed from where it waited. */
export type Next = { go: 'nowhere' } | { go: 'retry'; at: Date; attempt: number } | { go: 'dead'; reason: DeadReason };

/** What an outcome says about the endpoint, beside its delivery. Present fields only are meant. */
export type EndpointVerdict = {
  disable?: 'gone';
  /** Until then nobody goes to this endpoint: it asked for it (`Retry-After`). */
  wait?: Date;
  flag?: 'ssrf_blocked';
};

export type Decision = { next: Next; facts: Fact[]; endpoint?: EndpointVerdict };

/** The decision where an attempt does not count: the delivery waits for its endpoint, with the same attempt before it. */
export type Uncharged = { next: { go: 'parked'; reason: string }; facts: Fact[]; endpoint?: EndpointVerdict };

/** @throws UnreadableMessage when the acceptance time is not a time: without it the delivery could never expire */
export const deliveryOf = (meta: DeliveryMeta): Delivery => {
  const acceptedAt = new Date(meta.acceptedAt);
  if (Number.isNaN(acceptedAt.getTime())) throw new UnreadableMessage(`acceptance time is "${meta.acceptedAt}", wanted RFC 3339`);
  return {
    eventId: meta.eventId,
    endpointId: meta.endpointId,
    deliveryId: deliveryId(meta.eventId, meta.endpointId, meta.job),
    tenant: meta.tenant,
    job: meta.job,
    attempt: meta.attempt,
    acceptedAt,
  };
};
