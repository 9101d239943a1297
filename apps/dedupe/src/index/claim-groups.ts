import { withinMs } from '@spillway/jetstream';
import type { Redis } from 'ioredis';
import type { ToClaim } from './dedupe-index.ts';
import { printMark } from './mark.ts';

/** What stood under the key: null when it was free and is ours now; undefined when nothing was said in time. */
export type Found = string | null | undefined;

type Asking = { claim: ToClaim; done: (found: Found) => void };
type Replies = readonly [error: Error | null, found: unknown][];

export type GroupEvents = {
  /** After each group that was answered, with the time it took. */
  answered: (tookMs: number) => void;
  late: () => void;
  failed: (error: Error) => void;
};

/**
 * Claims in groups without timers: what comes in one turn of the event loop goes out as one write, one `SET key value NX GET PX window` per key (Redis ≥ 7). Each group has
 * one deadline; its late answers are read and forgotten.
 */
export class ClaimGroups {
  private asking: Asking[] = [];

  constructor(
    private readonly redis: Redis,
    private readonly deadlineMs: number,
    private readonly on: GroupEvents,
  ) {}

  /** @param done told once. A callback, since the index makes one promise of it and its own judgement */
  ask(claim: ToClaim, done: (found: Found) => void): void {
    if (this.asking.length === 0) setImmediate(() => void this.send());
    this.asking.push({ claim, done });
  }

  private async send(): Promise<void> {
    const group = this.asking;
    this.asking = [];
    const replies = await this.exchange(group);
    for (const [i, { done }] of group.entries()) {
      const reply = replies?.[i];
      done(reply === undefined || reply[0] !== null ? undefined : (reply[1] as string | null));
    }
  }

  private async exchange(group: readonly Asking[]): Promise<Replies | undefined> {
    const startedAt = performance.now();
    try {
      const pipeline = this.redis.pipeline();
      for (const { claim } of group) pipeline.call('SET', claim.key, printMark(claim.mark), 'NX', 'GET', 'PX', claim.windowMs);
      const replies = await withinMs(pipeline.exec(), this.deadlineMs);
      const failure = replies?.find(([error]) => error !== null)?.[0];
      if (!replies) this.on.late();
      else if (failure) this.on.failed(failure);
      else this.on.answered(performance.now() - startedAt);
      return replies ?? undefined;
    } catch (error) {
      this.on.failed(error as Error);
      return undefined;
    }
  }
}
