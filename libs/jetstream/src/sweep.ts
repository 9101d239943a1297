import type { Logger } from '@spillway/telemetry';
import type { Broker } from './broker.ts';
import { isPassing } from './errors.ts';
import { Remover } from './purge.ts';
import type { ShardWork } from './shard-work.ts';

export type SweepOptions = { broker: Broker; stream: string; durable: string; /** The durable's own: nothing else may be swept by its floor. */ filter: string; log: Logger };

type ConsumerInfo = { ack_floor: { stream_seq: number }; num_ack_pending: number };

const EVERY_MS = 500;
/** An ack that was sent is counted by the server a moment later: a sweep that began sooner than this after it may not have seen it. On a machine that is busy it takes longer, and then the ack is pending. */
const ACK_UNDER_WAY_MS = 250;

/**
 * Purges behind a durable's ack floor, twice a second, and only when something was settled since. The streams are limits streams: on a workqueue each ack would be
 * a disk sync of its own (4.2 k acks/s against 94 k). Any number of replicas may sweep the same durable: a purge below a floor is the same twice.
 */
export class Sweep {
  private lastBegun = Number.NEGATIVE_INFINITY;
  /** From the start: a predecessor may have left something. */
  private lastSettled = performance.now();
  private dirty = true;
  private sweptTo = 0;
  private running: Promise<void> | undefined;
  private readonly remover: Remover;

  constructor(private readonly options: SweepOptions) {
    this.remover = Remover.of(options.broker);
  }

  /** Something was acked. */
  settled(): void {
    this.lastSettled = performance.now();
    this.dirty = true;
  }

  /** Called often, by whoever works the durable. */
  tick(nowMs: number): void {
    if (!this.dirty || this.running || nowMs - this.lastBegun < EVERY_MS || !this.options.broker.connected) return;
    this.lastBegun = nowMs;
    this.running = this.sweep(nowMs).finally(() => {
      this.running = undefined;
    });
  }

  /** The last one, for who stops working. */
  async finish(): Promise<void> {
    await this.running;
    if (this.dirty && this.options.broker.connected) await this.sweep(performance.now());
  }

  /** The same work, swept behind. */
  with(work: ShardWork): ShardWork {
    return {
      get inHand() {
        return work.inHand;
      },
      get fault() {
        return work.fault;
      },
      tick: (nowMs) => {
        work.tick(nowMs);
        this.tick(nowMs);
      },
      drain: async () => {
        await work.drain();
        await this.finish();
      },
      abandon: () => work.abandon(),
    };
  }

  private async sweep(begunMs: number): Promise<void> {
    const { broker, stream, durable, filter, log } = this.options;
    try {
      const { ack_floor: floor, num_ack_pending: pending } = await broker.api<ConsumerInfo>(`CONSUMER.INFO.${stream}.${durable}`);
      if (floor.stream_seq > this.sweptTo) await this.remover.purge(stream, { filter, seq: floor.stream_seq + 1 });
      this.sweptTo = floor.stream_seq;
      if (pending === 0 && this.lastSettled < begunMs - ACK_UNDER_WAY_MS) this.dirty = false;
    } catch (error) {
      if (!isPassing(error)) log.error({ err: error, stream, durable }, 'sweeping behind a durable failed');
    }
  }
}
