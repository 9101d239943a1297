/** What became of an id that was claimed: stored downstream, or not after all. */
export type Claim = {
  /** The INGEST sequence that holds the id. */
  sequence: number;
  /** A checksum over type and data: the same key with another body is dropped too, and said. */
  checksum: number;
  claimedAtMs: number;
  /** True once what follows from it is stored; false when that failed and the id is free again. */
  stored: Promise<boolean>;
};

export type Verdict = { kind: 'mine'; settle: (stored: boolean) => void } | { kind: 'duplicate'; of: Claim };

/**
 * The ids published lately: known ids and repeats within a batch are taken out before the broker sees them, since one known id refuses its whole
 * batch (10201). Bounded in number and in age; behind it stands JetStream's own window of `Nats-Msg-Id`.
 */
export class RecentIds {
  private readonly claims = new Map<string, Claim>();

  constructor(
    private readonly maxIds: number,
    private readonly windowMs: number,
  ) {}

  get size(): number {
    return this.claims.size;
  }

  /**
   * A worker that died between claiming and publishing must not see its own mark and drop the event: the same sequence is mine again.
   * @param nowMs monotonic
   */
  claim(key: string, sequence: number, checksum: number, nowMs: number): Verdict {
    this.forget(nowMs);
    const known = this.claims.get(key);
    if (known !== undefined && known.sequence !== sequence) return { kind: 'duplicate', of: known };
    const { promise: stored, resolve } = Promise.withResolvers<boolean>();
    const claim = { sequence, checksum, claimedAtMs: nowMs, stored };
    this.claims.delete(key); // to the end: the map's order is the order of age
    this.claims.set(key, claim);
    const settle = (isStored: boolean): void => {
      if (!isStored && this.claims.get(key) === claim) this.claims.delete(key);
      resolve(isStored);
    };
    return { kind: 'mine', settle };
  }

  private forget(nowMs: number): void {
    for (const [key, { claimedAtMs }] of this.claims) {
      if (this.claims.size < this.maxIds && nowMs - claimedAtMs < this.windowMs) return;
      this.claims.delete(key);
    }
  }
}
