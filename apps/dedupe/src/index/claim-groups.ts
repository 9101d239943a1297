import type { Redis } from 'ioredis';
import { withinMs } from './deadline.ts';
import type { ToClaim } from './dedupe-index.ts';
import { printMark } from './mark.ts';

/** What stood under the key: null when it was free and is ours now; undefined when nothing was said in time. */
export type Found = string | null | undefined;

type Asking = { claim: ToClaim; resolve: (found: Found) => void };

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

  ask(claim: ToClaim): Promise<Found> {
    return new Promise((resolve) => {
      if (this.asking.length === 0) setImmediate(() => void this.send());
      this.asking.push({ claim, resolve });
    });
  }

  private async send(): Promise<void> {
    const group = this.asking;
    this.asking = [];
    const startedAt = performance.now();
    try {
      const pipeline = this.redis.pipeline();
      for (const { claim } of group) pipeline.call('SET', claim.key, printMark(claim.mark), 'NX', 'GET', 'PX', claim.windowMs);
      const replies = await withinMs(pipeline.exec(), this.deadlineMs);
      if (replies) this.tell(group, replies, performance.now() - startedAt);
      else this.on.late();
    } catch (error) {
      this.on.failed(error as Error);
    } finally {
      for (const { resolve } of group) resolve(undefined); // who was told already hears nothing of this
    }
  }

  private tell(group: readonly Asking[], replies: NonNullable<Awaited<ReturnType<ReturnType<Redis['pipeline']>['exec']>>>, tookMs: number): void {
    let failure: Error | undefined;
    for (const [i, [error, found]] of replies.entries()) {
      if (error) failure = error;
      else (group[i] as Asking).resolve(found as string | null);
    }
    if (failure) this.on.failed(failure);
    else this.on.answered(tookMs);
  }
}
