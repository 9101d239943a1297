/** Proof that this process works a shard. Asked right before each attempt, each move and each removal. */
export interface Lease {
  readonly shard: number;
  /** By monotonic time, so a process that was frozen sees at once what it slept through. Once false it stays false. */
  owned(): boolean;
  /** How often in a row the shard was lost, not given back, before it was won here; forgiven once somebody has held it for `FORGIVEN_AFTER_MS`. */
  readonly losses: number;
}

/** Counted from before a renewal was sent. */
export const LEASE_MS = 3_500;
/** Whoever has seen the same revision for so long may take it: half a second more than the holder counts, for clocks that run apart by up to 14 %. */
export const STANDSTILL_MS = 4_000;
export const RENEW_EVERY_MS = 1_000;
/** A renewal that failed is tried again sooner: three tries fit what is left. */
const RENEW_AGAIN_MS = 250;

/** "Lost twice within minutes" is a suspicion of what the shard holds: who works it as long as this has shown that it can be worked. */
export const FORGIVEN_AFTER_MS = 300_000;

/** A lease while this process holds it. Lost once, it never comes back: the shard has to be won anew, as another object. */
export class HeldLease implements Lease {
  private readonly wonAt: number;
  private until: number;
  private nextRenewal: number;
  private over = false;

  constructor(
    readonly shard: number,
    /** Of the key, as we wrote it last. */
    public revision: number,
    sentAtMs: number,
    private readonly clock: () => number = () => performance.now(),
    readonly losses = 0,
  ) {
    this.wonAt = sentAtMs;
    this.until = sentAtMs + LEASE_MS;
    this.nextRenewal = sentAtMs + RENEW_EVERY_MS;
  }

  owned(): boolean {
    if (!this.over && this.clock() >= this.until) this.over = true;
    return !this.over;
  }

  /** What is written of the losses at each renewal. */
  get unforgivenLosses(): number {
    return this.clock() - this.wonAt >= FORGIVEN_AFTER_MS ? 0 : this.losses;
  }

  /** True once a second, and then not until the renewal that follows has ended. */
  renewalDue(): boolean {
    if (this.clock() < this.nextRenewal) return false;
    this.nextRenewal = Number.POSITIVE_INFINITY;
    return true;
  }

  /** An answer that comes too late renews nothing. */
  renewed(sentAtMs: number, revision: number): void {
    this.revision = revision;
    if (!this.owned()) return;
    this.until = sentAtMs + LEASE_MS;
    this.nextRenewal = sentAtMs + RENEW_EVERY_MS;
  }

  renewAgainSoon(): void {
    this.nextRenewal = this.clock() + RENEW_AGAIN_MS;
  }

  end(): void {
    this.over = true;
  }
}
