import { InfrastructureError, DirectGet, Remover, type Broker } from '@spillway/jetstream';
import type { Logger } from '@spillway/telemetry';

/** A purge stalls what is published beside it (360 ms for 300,000 of a million): so many sequences at once are some 20 ms. */
const SEQUENCES_AT_ONCE = 20_000;
/** An owner that has not listed since goes on asking; a subject that was emptied is not looked at again at once. */
const AGAIN_AFTER_MS = 5_000;

/** Removes all that is parked on a subject, unread: for an endpoint that was deleted, whose deliveries have ended with it. In slices, one subject at a time. */
export class ParkedPurge {
  private readonly reader: DirectGet;
  private readonly remover: Remover;
  private readonly wanted = new Set<string>();
  /** Monotonic, by subject: when it was found empty. */
  private readonly emptied = new Map<string, number>();
  private running = false;
  private closed = false;

  constructor(
    broker: Broker,
    private readonly log: Logger,
    private readonly sequencesAtOnce = SEQUENCES_AT_ONCE,
  ) {
    this.reader = new DirectGet(broker, 'WEBHOOK_PARKED');
    this.remover = Remover.of(broker);
  }

  /** Cheap to say again and again. */
  purge(subject: string): void {
    const emptiedAt = this.emptied.get(subject);
    if (this.closed || (emptiedAt !== undefined && performance.now() - emptiedAt < AGAIN_AFTER_MS)) return;
    this.wanted.add(subject);
    if (!this.running) void this.run();
  }

  close(): void {
    this.closed = true;
    this.reader.close();
  }

  private async run(): Promise<void> {
    this.running = true;
    for (const subject of this.wanted) {
      this.wanted.delete(subject);
      await this.empty(subject);
    }
    this.running = false;
    const before = performance.now() - AGAIN_AFTER_MS;
    for (const [subject, at] of this.emptied) if (at < before) this.emptied.delete(subject);
  }

  private async empty(subject: string): Promise<void> {
    let removed = 0;
    try {
      // from the leader: a follower that is behind would show what went already
      for (let first = await this.reader.atLeader(subject, 1); first && !this.closed; first = await this.reader.atLeader(subject, first.sequence)) {
        removed += await this.remover.purge('WEBHOOK_PARKED', { filter: subject, seq: first.sequence + this.sequencesAtOnce });
      }
      this.emptied.set(subject, performance.now());
      if (removed > 0) this.log.info({ subject, removed }, 'removed what was parked for a deleted endpoint');
    } catch (error) {
      // its owner asks again
      if (!(error instanceof InfrastructureError)) throw error;
      if (!this.closed) this.log.warn({ err: error, subject }, 'what is parked for a deleted endpoint was not removed yet');
    }
  }
}
