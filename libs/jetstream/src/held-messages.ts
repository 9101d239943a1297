/** ack_wait is 5 s: whoever holds a message longer than 2 s says so. Looked at each second, so none is ever silent for more than 3 s. */
const HOLD_AFTER_MS = 2_000;
const HOLD_CHECK_MS = 1_000;

/** What was taken of a durable and is not settled, by sequence; kept from coming again for as long as it is here. */
export class HeldMessages<Held extends { readonly sequence: number; hold(): void }> {
  /** Since when, or when it was last said to be worked (monotonic ms). */
  private readonly bySequence = new Map<number, { message: Held; since: number }>();
  private lastLook = 0;

  /** @param mayAct false once the shard went to somebody else */
  constructor(private readonly mayAct: () => boolean) {}

  get size(): number {
    return this.bySequence.size;
  }

  get(sequence: number): Held | undefined {
    return this.bySequence.get(sequence)?.message;
  }

  add(message: Held): void {
    this.bySequence.set(message.sequence, { message, since: performance.now() });
  }

  delete(sequence: number): void {
    this.bySequence.delete(sequence);
  }

  clear(): void {
    this.bySequence.clear();
  }

  tick(nowMs: number): void {
    if (nowMs - this.lastLook >= HOLD_CHECK_MS) this.look(nowMs);
  }

  /** Nobody ticks while a shard is drained, and what is under way may take as long as an attempt does: so it goes on being held. */
  async holdWhile(working: Promise<unknown> | undefined): Promise<void> {
    const looking = setInterval(() => this.look(performance.now()), HOLD_CHECK_MS);
    try {
      await working;
    } finally {
      clearInterval(looking);
    }
  }

  private look(nowMs: number): void {
    this.lastLook = nowMs;
    if (!this.mayAct()) return;
    for (const held of this.bySequence.values()) {
      if (nowMs - held.since < HOLD_AFTER_MS) continue;
      held.message.hold();
      held.since = nowMs;
    }
  }
}
