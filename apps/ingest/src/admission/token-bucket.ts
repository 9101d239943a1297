/**
 * So many a second, and after a pause as many at once as the window holds. Time comes with the question, from a monotonic clock.
 * A rate below one a second has a longer window: 0.1 is one in ten seconds.
 */
export class TokenBucket {
  readonly quota: number;
  readonly windowSeconds: number;
  private tokens: number;
  private filledAtMs: number;

  constructor(
    readonly ratePerSecond: number,
    nowMs: number,
  ) {
    this.quota = Math.max(1, Math.round(ratePerSecond));
    this.windowSeconds = Math.max(1, Math.round(this.quota / ratePerSecond));
    this.tokens = this.quota;
    this.filledAtMs = nowMs;
  }

  /** Takes as many as there are, at most so many. @returns how many it took */
  take(wanted: number, nowMs: number): number {
    this.fill(nowMs);
    const taken = Math.min(wanted, Math.floor(this.tokens));
    this.tokens -= taken;
    return taken;
  }

  /** Whole ones that are there. */
  left(nowMs: number): number {
    this.fill(nowMs);
    return Math.floor(this.tokens);
  }

  /** Until so many are there; more than there ever are at once count as those. */
  secondsUntil(wanted: number, nowMs: number): number {
    this.fill(nowMs);
    return Math.max(0, (Math.min(wanted, this.quota) - this.tokens) / this.ratePerSecond);
  }

  private fill(nowMs: number): void {
    if (nowMs <= this.filledAtMs) return;
    this.tokens = Math.min(this.quota, this.tokens + ((nowMs - this.filledAtMs) / 1_000) * this.ratePerSecond);
    this.filledAtMs = nowMs;
  }
}
