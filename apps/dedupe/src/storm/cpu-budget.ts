/** Lets something be done for a share of the time only, by measuring what it takes: what is dear is done less often, by itself. */
export class CpuBudget {
  /** Milliseconds that may be spent. */
  private leftMs: number;
  private seenAtMs: number;

  /** @param share of the elapsed time; `burstMs` may be spent at once after a rest */
  constructor(
    private readonly share: number,
    private readonly burstMs: number,
    private readonly nowMs: () => number,
  ) {
    this.leftMs = burstMs;
    this.seenAtMs = nowMs();
  }

  /** Does it if there is time left for it. */
  spend<T>(work: () => T): T | undefined {
    const startedAt = this.nowMs();
    this.leftMs = Math.min(this.burstMs, this.leftMs + (startedAt - this.seenAtMs) * this.share);
    this.seenAtMs = startedAt;
    if (this.leftMs <= 0) return undefined;
    try {
      return work();
    } finally {
      this.leftMs -= this.nowMs() - startedAt;
    }
  }
}
