import type { DedupeFault } from '@spillway/contracts';
import type { Mark } from './mark.ts';

export type ToClaim = {
  key: string;
  mark: Mark;
  /** Between acceptances. */
  windowMs: number;
};

export type Answer =
  /** Go on. `repeated`: our own mark was there already. `again`: the key was known, but further apart than the window; or our own mark says that it was. */
  | { kind: 'mine'; repeated: boolean; again: boolean }
  | { kind: 'duplicate'; of: Mark }
  /** The store does not say: the event goes on, and whatever nets are left may catch it. */
  | { kind: 'unknown' };

export type IndexState = {
  ok: boolean;
  fault?: DedupeFault;
  /** What is wrong, in words. */
  why?: string;
  /** Since when, epoch ms. */
  sinceMs?: number;
};

/**
 * Who had this key before? Behind it a Redis that remembers for a day, or nothing but what JetStream itself remembers for minutes. It never makes an event wait for
 * long and never throws: when it does not know, it says so, and the event goes on.
 */
export interface DedupeIndex {
  readonly name: 'redis' | 'jetstream';
  /** How long it remembers an id at least, from one acceptance to the other. */
  readonly windowMs: number;
  /** Whether it keeps keys by content at all. */
  readonly keepsContent: boolean;
  readonly state: IndexState;
  /** At once where it needs to ask nobody. */
  claim(claim: ToClaim): Promise<Answer> | Answer;
  /** This message will not be fulfilled: nobody may be dropped for it. Only its own mark is removed. */
  giveUp(claim: Pick<ToClaim, 'key' | 'mark'>): Promise<void>;
  /** For an operator: figures beside the state. */
  detail(): Record<string, unknown>;
  close(): Promise<void>;
}
