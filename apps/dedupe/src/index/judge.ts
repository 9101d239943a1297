import { isOfOneMessage, type Mark } from './mark.ts';

/**
 * - `own`: we were here before with this very message
 * - `duplicate`: it stands for an acceptance within the window
 * - `replace`: it stands for nothing that concerns us, and ours is to stand there
 * - `beside`: the same, but it is the younger one: ours would only hide it from what repeats it
 */
export type Judgement = 'own' | 'duplicate' | 'replace' | 'beside';

/** What a mark found under our key means to the message that brings `mine`. The window is between acceptances, not between when they are handled. */
export const judge = (found: Mark | undefined, mine: Mark, windowMs: number): Judgement => {
  // sequences of another INGEST mean other messages: whoever set this may never come back to it
  if (found === undefined || found.world !== mine.world) return 'replace';
  if (isOfOneMessage(found, mine)) return 'own';
  if (!isFurtherApart(found, mine, windowMs)) return 'duplicate';
  return found.acceptedAtMs < mine.acceptedAtMs ? 'replace' : 'beside';
};

/** The same key after the window is the same event once more, on purpose. */
export const isFurtherApart = (a: Pick<Mark, 'acceptedAtMs'>, b: Pick<Mark, 'acceptedAtMs'>, windowMs: number): boolean => Math.abs(a.acceptedAtMs - b.acceptedAtMs) >= windowMs;
