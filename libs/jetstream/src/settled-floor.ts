/** What to remove now. */
export type Removal = {
  /** Everything of the subject up to and with this sequence is settled; `undefined` when nothing new is. */
  upTo: number | undefined;
  /** Settled above a floor that is stuck. */
  singles: number[];
};

/** A floor that has not moved for so long is stuck behind something slow; what is settled above it goes one by one, or a crash would repeat it. */
const STUCK_AFTER_MS = 1_000;
/** Deleting singles is slow (1.3 k/s): a round of them, then the floor is looked at again. */
const SINGLES_A_ROUND = 64;

/**
 * Of one subject: which sequences were read, which of them are settled, and which are removed. Pure: times are given. Sequences come in
 * ascending order, and everything up to the last one was read, so whatever lies at or below the floor may be purged.
 */
export class SettledFloor {
  /** Read, above the floor, ascending; `head` is the first that counts. */
  private sequences: number[] = [];
  private head = 0;
  /** Settled and still stored, with the time when it was settled; oldest first. */
  private readonly stored = new Map<number, number>();
  /** Removed one by one, above the floor. */
  private readonly removed = new Set<number>();
  private floorMovedAt = 0;
  /** Everything up to here is settled. */
  floor = 0;
  /** Everything up to here is removed. A follower that is behind may still show it. */
  removedTo = 0;
  /** The last sequence that was read. */
  lastRead = 0;

  /** Read and not known to be removed. */
  get outstanding(): number {
    return this.sequences.length - this.head - this.removed.size + this.settledBelowFloor;
  }

  /** Settled and not removed. */
  get unremoved(): number {
    return this.stored.size;
  }

  private settledBelowFloor = 0;

  /** @returns false for what was read before */
  read(sequence: number, nowMs: number): boolean {
    if (sequence <= this.lastRead) return false;
    if (this.head === this.sequences.length) this.floorMovedAt = nowMs;
    this.sequences.push(sequence);
    this.lastRead = sequence;
    return true;
  }

  /** It has an outcome; or it is gone from the stream without us (`stored` false). */
  settle(sequence: number, nowMs: number, stored = true): void {
    if (stored) this.stored.set(sequence, nowMs);
    else this.removed.add(sequence);
    this.advance(nowMs);
  }

  /** What may be removed now. @param all as if a floor that stopped were stuck already: for who leaves */
  due(nowMs: number, all = false): Removal {
    const upTo = this.floor > this.removedTo ? this.floor : undefined;
    const stuck = this.head < this.sequences.length && (all || nowMs - this.floorMovedAt >= STUCK_AFTER_MS);
    return { upTo, singles: stuck ? this.above() : [] };
  }

  purged(upTo: number): void {
    this.removedTo = Math.max(this.removedTo, upTo);
    for (const sequence of this.stored.keys()) {
      if (sequence > upTo) continue;
      this.stored.delete(sequence);
      this.settledBelowFloor -= 1;
    }
  }

  removedOne(sequence: number): void {
    if (!this.stored.delete(sequence)) return;
    if (sequence > this.floor) this.removed.add(sequence);
    else this.settledBelowFloor -= 1;
  }

  /** When the oldest of what is settled and still stored was settled. */
  get oldestUnremovedMs(): number | undefined {
    return this.stored.values().next().value;
  }

  private above(): number[] {
    const singles: number[] = [];
    for (const sequence of this.stored.keys()) {
      if (sequence > this.floor) singles.push(sequence);
      if (singles.length === SINGLES_A_ROUND) break;
    }
    return singles;
  }

  private advance(nowMs: number): void {
    const before = this.floor;
    for (; this.head < this.sequences.length; this.head += 1) {
      const sequence = this.sequences[this.head] as number;
      if (this.stored.has(sequence)) this.settledBelowFloor += 1;
      else if (!this.removed.delete(sequence)) break;
      this.floor = sequence;
    }
    if (this.floor > before) this.floorMovedAt = nowMs;
    // cut off what lies below in one go, not one by one
    if (this.head > 1_024 && this.head * 2 > this.sequences.length) {
      this.sequences = this.sequences.slice(this.head);
      this.head = 0;
    }
  }
}
