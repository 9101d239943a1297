import type { DedupeFault } from '@spillway/contracts';

export type BreakerState = { open: false } | { open: true; fault: DedupeFault; detail: string; sinceMs: number };

/** So many groups in a row over the deadline: each has cost its events the deadline once. */
const SLOW_IN_A_ROW = 3;
/** Looks at a store that failed: so many good ones in a row, or it would be trusted again at each lucky answer. */
const GOOD_IN_A_ROW = 2;
const GOOD_IN_A_ROW_MAX = 16;
/** Failing again so soon after it was trusted again doubles what is asked of it: a store that is slow at times must not cost us the deadline at each of them. */
const RELAPSE_WITHIN_MS = 30_000;

/** Whether the store is asked at all. Open: nobody waits for it, and a look now and then, beside the events, finds out when it is well. Pure but for the time, which comes with each call (epoch ms). */
export class Breaker {
  private current: BreakerState = { open: false };
  private slow = 0;
  private good = 0;
  private wanted = GOOD_IN_A_ROW;
  private closedAtMs = Number.NEGATIVE_INFINITY;

  get state(): BreakerState {
    return this.current;
  }

  /** @returns whether that opened it */
  failed(fault: DedupeFault, detail: string, nowMs: number): boolean {
    this.good = 0;
    if (this.current.open) {
      // what is wrong may change: away, then back and loading; since when it is of no use does not
      this.current = { ...this.current, fault, detail };
      return false;
    }
    this.slow += 1;
    if (fault === 'slow' && this.slow < SLOW_IN_A_ROW) return false;
    this.wanted = nowMs - this.closedAtMs < RELAPSE_WITHIN_MS ? Math.min(this.wanted * 2, GOOD_IN_A_ROW_MAX) : GOOD_IN_A_ROW;
    this.current = { open: true, fault, detail, sinceMs: nowMs };
    return true;
  }

  answered(): void {
    this.slow = 0;
  }

  /** A look at the open store went well. @returns whether it may be closed */
  looksGood(): boolean {
    this.good += 1;
    return this.good >= this.wanted;
  }

  close(nowMs: number): void {
    this.current = { open: false };
    this.slow = 0;
    this.good = 0;
    this.closedAtMs = nowMs;
  }
}
