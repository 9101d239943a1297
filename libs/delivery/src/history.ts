import type { Fact } from '@spillway/contracts';

export type DeliveryState = 'pending' | 'retrying' | 'parked' | 'delivered' | 'dead' | 'expired';

/** One delivery, as its facts tell it. */
export type History = {
  state: DeliveryState;
  /** The highest number of an attempt that was made. */
  attempts: number;
  /** Why it is dead, expired or parked. */
  reason?: string;
  nextAt?: string;
  /** Facts that came after the end: repeats of a crash, not errors, but counted. */
  late: number;
};

export const newHistory: History = { state: 'pending', attempts: 0, late: 0 };

const ended = ({ state }: History): boolean => state === 'delivered' || state === 'dead' || state === 'expired';

const failedStates = { retry: 'retrying', parked: 'parked', dead: undefined, expired: undefined } as const;

const step = (history: History, fact: Fact): History => {
  switch (fact.type) {
    case 'attempt.succeeded':
      return { state: 'delivered', attempts: Math.max(history.attempts, fact.attempt), late: history.late };
    case 'attempt.failed':
      // `dead` and `expired` are said by the fact that follows in the same page, with the reason
      return {
        ...history,
        state: failedStates[fact.next] ?? history.state,
        attempts: Math.max(history.attempts, fact.attempt),
        nextAt: fact.nextAt,
        reason: undefined,
      };
    case 'delivery.parked':
      return { ...history, state: fact.nextAt === undefined ? 'parked' : 'retrying', reason: fact.reason, nextAt: fact.nextAt };
    case 'delivery.dead':
      return { ...history, state: 'dead', reason: fact.reason, nextAt: undefined };
    case 'delivery.expired':
      return { ...history, state: 'expired', reason: fact.reason, nextAt: undefined };
    case 'endpoint.deleted':
      return { ...history, state: 'dead', reason: 'endpoint_deleted', nextAt: undefined };
    default:
      return history; // facts of other things, and facts that we do not know yet
  }
};

/**
 * The next state of a delivery, by a fact that concerns it. The first success wins over everything, also over an end that was said before it
 * (the receiver has the event, whatever we believed); an end wins over what follows it.
 */
export const evolve = (history: History, fact: Fact): History => {
  const next = step(history, fact);
  if (next === history || !ended(history)) return next;
  const late = history.late + 1;
  return next.state === 'delivered' ? { ...next, late } : { ...history, attempts: Math.max(history.attempts, next.attempts), late };
};
