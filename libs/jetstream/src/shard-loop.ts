import type { Logger } from '@spillway/telemetry';
import type { HeldLease } from './lease.ts';
import type { Leases } from './leases.ts';
import type { ShardWork } from './shard-work.ts';
import { Wakeup } from './wakeup.ts';

/** How a loop ended: `lost` means the lease lapsed or somebody took it, `failed` that it lapsed because the work kept throwing. */
export type LoopEnd = 'given back' | 'lost' | 'failed';

export type ShardLoopOptions = { lease: HeldLease; work: ShardWork; leases: Leases; tickEveryMs: number; log: Logger };

/** Work that throws is tried again at this pace, while the lease runs out. */
const PAUSE_AFTER_FAULT_MS = 100;

/**
 * Works one shard for as long as its lease is held. The loop that works the shard renews, nothing beside it (tried: a lease renewed by a timer outlived its
 * worker after a broker restart, and the shard stood still): only a tick that came back renews.
 */
export class ShardLoop {
  private readonly rest = new Wakeup();
  private failing = false;
  private drained = false;
  private giveUpBy = Number.POSITIVE_INFINITY;

  constructor(private readonly options: ShardLoopOptions) {}

  get givingUp(): boolean {
    return this.giveUpBy !== Number.POSITIVE_INFINITY;
  }

  poke(): void {
    this.rest.wake();
  }

  /** Takes nothing more, settles what is under way for at most `budgetMs`, then gives the lease back. */
  giveUp(budgetMs: number): void {
    const by = performance.now() + budgetMs;
    if (this.givingUp) {
      this.giveUpBy = Math.min(this.giveUpBy, by);
      return;
    }
    this.giveUpBy = by;
    this.options.work.drain().then(
      () => this.finish(),
      (error: unknown) => {
        this.options.log.error({ err: error, shard: this.options.lease.shard }, 'draining failed');
        this.giveUpBy = 0;
        this.rest.wake();
      },
    );
  }

  /** Resolves when the shard is no longer worked here, for whatever reason. */
  async run(): Promise<LoopEnd> {
    const { lease, work, leases, tickEveryMs } = this.options;
    while (lease.owned()) {
      if (this.drained) return this.giveBack();
      if (performance.now() > this.giveUpBy) {
        work.abandon();
        return this.giveBack();
      }
      this.failing = !this.tick();
      if (!this.failing && lease.renewalDue()) void leases.renew(lease);
      await this.rest.wait(this.failing ? PAUSE_AFTER_FAULT_MS : tickEveryMs);
    }
    // whatever was read before is thrown away: somebody else may be working it
    work.abandon();
    return this.failing ? 'failed' : 'lost';
  }

  private finish(): void {
    this.drained = true;
    this.rest.wake();
  }

  private async giveBack(): Promise<LoopEnd> {
    await this.options.leases.giveBack(this.options.lease);
    return 'given back';
  }

  private tick(): boolean {
    try {
      this.options.work.tick(performance.now());
      return true;
    } catch (error) {
      this.options.log.error({ err: error, shard: this.options.lease.shard }, 'working a shard failed: its lease is not renewed');
      return false;
    }
  }
}
