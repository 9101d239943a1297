import type { DeadReason } from '@spillway/contracts';
import type { Decision, Delivery, EndpointVerdict, Failure, Outcome, Uncharged } from './decision.ts';
import { retryWaitMs, roundUpToBucket } from './due.ts';
import { attemptFailed, attemptSucceeded, deliveryDead, deliveryExpired, type Said, type SaidOfAttempt } from './facts.ts';
import type { Policy } from './policy.ts';
import { retryAfterMs } from './retry-after.ts';

/** RFC 9110 defines `Retry-After` for 503, RFC 6585 for 429. On any other answer it is not a request to us. */
const mayAskToWait = ({ status }: Failure): boolean => status === 429 || status === 503;

const verdictOn = (failure: Failure, askedMs: number, now: Date): EndpointVerdict | undefined => {
  if (failure.status === 410) return { disable: 'gone' };
  if (failure.reason === 'ssrf_blocked') return { flag: 'ssrf_blocked' };
  return askedMs > 0 ? { wait: new Date(now.getTime() + askedMs) } : undefined;
};

/** Failures that no further attempt can mend. */
const permanent = (failure: Failure): DeadReason | undefined => {
  if (failure.status === 410) return 'gone';
  return failure.reason === 'ssrf_blocked' ? 'ssrf_blocked' : undefined;
};

const dead = (delivery: Delivery, failure: Failure, reason: DeadReason, said: SaidOfAttempt): Decision => ({
  next: { go: 'dead', reason },
  facts: [attemptFailed(delivery, failure, said, 'dead'), deliveryDead(delivery, reason, said)],
});

export const tooOldAt = (delivery: Delivery, policy: Policy, at: Date): boolean => at.getTime() - delivery.acceptedAt.getTime() > policy.maxAgeMs;

const afterFailure = (delivery: Delivery, failure: Failure, askedMs: number, policy: Policy, jitter: number, said: SaidOfAttempt): Decision => {
  const end = permanent(failure);
  if (end !== undefined) return dead(delivery, failure, end, said);
  const waitMs = retryWaitMs(policy, delivery.attempt, askedMs, jitter);
  if (waitMs === undefined) return dead(delivery, failure, 'exhausted', said);
  const at = roundUpToBucket(new Date(said.now.getTime() + waitMs), said.now);
  if (tooOldAt(delivery, policy, at)) {
    return { next: { go: 'nowhere' }, facts: [attemptFailed(delivery, failure, said, 'expired'), deliveryExpired(delivery, 'too_old', said)] };
  }
  return { next: { go: 'retry', at, attempt: delivery.attempt + 1 }, facts: [attemptFailed(delivery, failure, said, 'retry', at)] };
};

const askedToWaitMs = (failure: Failure, policy: Policy, now: Date): number =>
  (mayAskToWait(failure) ? retryAfterMs(failure.retryAfter, now, policy.maxRetryAfterMs) : undefined) ?? 0;

/**
 * What follows from one attempt, first or later. Pure: `now`, `jitter` (0..1) and how long the attempt took come with the question,
 * so the same question always has the same answer. With no `default`, a forgotten outcome does not compile.
 */
export const decide = (delivery: Delivery, outcome: Outcome, policy: Policy, now: Date, jitter: number, durationMs: number, app: string): Decision => {
  const said = { now, durationMs, app };
  switch (outcome.kind) {
    case 'delivered':
      return { next: { go: 'nowhere' }, facts: [attemptSucceeded(delivery, outcome, said)] };
    case 'failed': {
      const askedMs = askedToWaitMs(outcome, policy, now);
      const endpoint = verdictOn(outcome, askedMs, now);
      return { ...afterFailure(delivery, outcome, askedMs, policy, jitter, said), ...(endpoint && { endpoint }) };
    }
  }
};

/**
 * The same, where a failure is not the delivery's to pay for: a probe of an open circuit, or so many endpoints failing alike that the fault is ours (`reason`).
 * It keeps its attempt number and waits for its endpoint. What no attempt can mend still ends it, and so does its age: else it could wait for ever.
 */
export const decideUncharged = (
  delivery: Delivery,
  outcome: Outcome,
  policy: Policy,
  reason: string,
  now: Date,
  durationMs: number,
  app: string,
): Decision | Uncharged => {
  const said = { now, durationMs, app };
  if (outcome.kind === 'delivered' || permanent(outcome) !== undefined) return decide(delivery, outcome, policy, now, 0, durationMs, app);
  const endpoint = verdictOn(outcome, askedToWaitMs(outcome, policy, now), now);
  const also = endpoint && { endpoint };
  if (tooOldAt(delivery, policy, now)) {
    return { next: { go: 'nowhere' }, facts: [attemptFailed(delivery, outcome, said, 'expired'), deliveryExpired(delivery, 'too_old', said)], ...also };
  }
  return { next: { go: 'parked', reason }, facts: [attemptFailed(delivery, outcome, said, 'parked')], ...also };
};

/** The end of a delivery that was not attempted: parked too long, or due after its time. */
export const expire = (delivery: Delivery, reason: string, said: Said): Decision => ({
  next: { go: 'nowhere' },
  facts: [deliveryExpired(delivery, reason, said)],
});

/** A dead letter without an attempt: poison, a parking that was refused for good, an endpoint that is no more. */
export const giveUp = (delivery: Delivery, reason: DeadReason, said: Said): Decision => ({
  next: { go: 'dead', reason },
  facts: [deliveryDead(delivery, reason, said)],
});
