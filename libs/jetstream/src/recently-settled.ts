/** Four times max_ack_pending (2,048) of a shard's durable; about 60 B each. */
const REMEMBERED = 8_192;

/**
 * What this process has settled lately of one durable. A server that was killed forgets acks of its last moments (its consumer state is written ten times a
 * second), and ignores acks of what it has forgotten to have handed out (2.15.1, processAckMsg); both come again. Only who settled them can tell.
 */
export class RecentlySettled {
  /** Sequence to time of storing: both, so that a sequence given anew after a loss on the server is another message. */
  private readonly settled = new Map<number, number>();

  add(sequence: number, storedAtMs: number): void {
    this.settled.set(sequence, storedAtMs);
    if (this.settled.size <= REMEMBERED) return;
    for (const oldest of this.settled.keys()) {
      this.settled.delete(oldest);
      return;
    }
  }

  has(sequence: number, storedAtMs: number): boolean {
    return this.settled.get(sequence) === storedAtMs;
  }
}
