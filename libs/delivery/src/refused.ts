import type { Fact } from '@spillway/contracts';
import { tooOldAt } from './decide.ts';
import type { Decision, Delivery, Uncharged } from './decision.ts';
import { lengthened, roundUpToBucket } from './due.ts';
import { deliveriesParked, deliveryDead, deliveryExpired, type Said } from './facts.ts';
import type { Policy } from './policy.ts';

const MINUTE_MS = 60_000;
const HOUR_MS = 3_600_000;

/** What was attempted stays told, with where it went in the end. */
const attemptsOf = (facts: readonly Fact[], next: 'retry' | 'dead' | 'expired', nextAt?: Date): Fact[] =>
  facts.flatMap((fact) => (fact.type === 'attempt.failed' ? [{ ...fact, next, nextAt: nextAt?.toISOString() }] : []));

/** WEBHOOK_RETRY is full: the refused publish is the signal, and what was to be a retry is a dead letter, replayable; by the name of the first that refused it. */
export const whenRetryRefuses = (delivery: Delivery, decision: Decision, said: Said, reason: 'retry_overflow' | 'parked_overflow' = 'retry_overflow'): Decision => ({
  ...decision,
  next: { go: 'dead', reason },
  facts: [...attemptsOf(decision.facts, 'dead'), deliveryDead(delivery, reason, said)],
});

/**
 * WEBHOOK_DEAD is full: the fact says that nothing was kept, and the worker goes on. (Tried the other way, repeating until there is room:
 * ten dead deliveries were POSTed 110 times in 10 s, and five healthy ones got nothing.)
 */
export const whenDeadRefuses = (decision: Decision): Decision => ({
  ...decision,
  next: { go: 'nowhere' },
  facts: decision.facts.map((fact) => (fact.type === 'delivery.dead' ? { ...fact, kept: false } : fact)),
});

/**
 * WEBHOOK_PARKED refuses: to the calendar, no attempt charged. As long again as the delivery is old, at least a minute and at most an hour,
 * is 1, 2, 4 … 60 min without a counter to carry: each wait doubles the age.
 */
export const whenParkedRefuses = (delivery: Delivery, { next, facts, ...rest }: Uncharged, policy: Policy, jitter: number, said: Said): Decision => {
  const ageMs = said.now.getTime() - delivery.acceptedAt.getTime();
  const waitMs = lengthened(Math.min(Math.max(ageMs, MINUTE_MS), HOUR_MS), jitter);
  const at = roundUpToBucket(new Date(said.now.getTime() + waitMs), said.now);
  if (tooOldAt(delivery, policy, at)) return { ...rest, next: { go: 'nowhere' }, facts: [...attemptsOf(facts, 'expired'), deliveryExpired(delivery, 'too_old', said)] };
  const parked = { ...deliveriesParked(delivery.tenant, delivery.endpointId, [delivery.deliveryId], next.reason, said), nextAt: at.toISOString() };
  return { ...rest, next: { go: 'retry', at, attempt: delivery.attempt }, facts: [...attemptsOf(facts, 'retry', at), parked] };
};
