import { AgingMap } from './aging-map.ts';
import { isFurtherApart, judge } from './index/judge.ts';
import type { Mark } from './index/mark.ts';

/** A key that was claimed here lately. */
export type Recent = {
  /** Whoever stands for it: the message that claimed it, or the one that the index named instead. */
  of: Mark;
  claimedAtMs: number;
  /** True once what follows from it is stored; false when that failed and the key is free again. No promise is kept for what is settled: there are 131,072 of these. */
  stored: Promise<boolean> | true;
};

/** `settle`: what became of it; `of` says when it turned out to be somebody else's. */
export type Verdict = { kind: 'mine'; again: boolean; settle: (stored: boolean, of?: Mark) => void } | { kind: 'duplicate'; recent: Recent };

const nothing = (): void => undefined;

/**
 * The keys claimed lately, in front of every index: a flood of repeats is answered from here, and known ids and repeats within a batch are taken out before the broker
 * sees them, since one known id refuses its whole batch (10201). Bounded in number and in age.
 */
export class RecentKeys {
  private readonly known = new AgingMap<Recent>();

  constructor(
    private readonly maxKeys: number,
    /** How long a key is held at most. */
    private readonly heldMs: number,
  ) {}

  get size(): number {
    return this.known.size;
  }

  /**
   * A worker that died between claiming and publishing must not see its own mark and drop the event: the same message is mine again.
   * @param windowMs between acceptances
   * @param nowMs monotonic
   */
  claim(key: string, mark: Mark, windowMs: number, nowMs: number): Verdict {
    const found = this.find(key, nowMs);
    const judgement = found === undefined ? 'replace' : judge(found.of, mark, windowMs);
    if (judgement === 'duplicate') return { kind: 'duplicate', recent: found as Recent };
    if (judgement === 'beside') return { kind: 'mine', again: true, settle: nothing };
    const again = found !== undefined && (judgement === 'own' ? found.of.again : isFurtherApart(found.of, mark, windowMs));
    return { kind: 'mine', again, settle: this.remember(key, again ? { ...mark, again } : mark, nowMs) };
  }

  /** Whoever stands for this one for certain: it is stored. Remembers nothing. */
  duplicateOf(key: string, mark: Mark, windowMs: number, nowMs: number): Recent | undefined {
    const found = this.find(key, nowMs);
    return found?.stored === true && judge(found.of, mark, windowMs) === 'duplicate' ? found : undefined;
  }

  private find(key: string, nowMs: number): Recent | undefined {
    const found = this.known.get(key);
    return found !== undefined && nowMs - found.claimedAtMs < this.heldMs ? found : undefined;
  }

  private remember(key: string, of: Mark, nowMs: number): (stored: boolean, of?: Mark) => void {
    this.forget(nowMs);
    const { promise: stored, resolve } = Promise.withResolvers<boolean>();
    const recent: Recent = { of, claimedAtMs: nowMs, stored };
    this.known.set(key, recent);
    return (isStored, standsFor) => {
      if (standsFor !== undefined) recent.of = standsFor;
      if (isStored) recent.stored = true;
      else this.known.delete(key, recent);
      resolve(isStored);
    };
  }

  private forget(nowMs: number): void {
    for (let eldest = this.known.eldest(); eldest !== undefined; eldest = this.known.eldest()) {
      if (this.known.size < this.maxKeys && nowMs - eldest.claimedAtMs < this.heldMs) return;
      this.known.shift();
    }
  }
}
