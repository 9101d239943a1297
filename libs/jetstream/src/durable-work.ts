import type { Logger } from '@spillway/telemetry';
import type { Broker } from './broker.ts';
import { DurableMessage } from './durable-message.ts';
import { Puller } from './puller.ts';
import type { ShardWork } from './shard-work.ts';

export type DurableWorkOptions = {
  broker: Broker;
  stream: string;
  durable: string;
  /** `<stream>@<creation time>`: what message origins begin with. */
  world: string;
  /** How many more messages may be held, given how many are, and how many bytes they have. */
  room: (held: number, heldBytes: number) => number;
  /** False once the shard went to somebody else. */
  mayAct: () => boolean;
  take: (message: DurableMessage) => Promise<void>;
  /** Something was settled: the ack floor may have moved. */
  onSettled: () => void;
  log: Logger;
};

/** ack_wait is 5 s: whoever holds a message longer than 2 s says so. Looked at each second, so none is ever silent for more than 3 s. */
const HOLD_AFTER_MS = 2_000;
const HOLD_CHECK_MS = 1_000;

/** Works one durable: pulls what there is room for, hands it on, and keeps it from coming again while it is worked. */
export class DurableWork implements ShardWork {
  private readonly puller: Puller;
  private readonly held = new Map<DurableMessage, number>();
  private readonly underWay = new Set<Promise<void>>();
  private heldBytes = 0;
  private lastHoldCheck = 0;

  constructor(private readonly options: DurableWorkOptions) {
    const { broker, stream, durable, log } = options;
    this.puller = new Puller(broker, { stream, durable, log, room: () => options.room(this.held.size, this.heldBytes), take: (message) => this.take(message) });
  }

  /** What is wrong with the durable on the server; `undefined` when nothing is. */
  get fault(): string | undefined {
    return this.puller.fault;
  }

  get inHand(): number {
    return this.held.size;
  }

  tick(nowMs: number): void {
    this.puller.tick(nowMs);
    if (nowMs - this.lastHoldCheck >= HOLD_CHECK_MS) this.keepHeld(nowMs);
  }

  async drain(): Promise<void> {
    this.puller.close();
    // what is under way may take as long as an attempt does, so it goes on being held
    const holding = setInterval(() => this.keepHeld(performance.now()), HOLD_CHECK_MS);
    try {
      while (this.underWay.size > 0) await Promise.all(this.underWay);
    } finally {
      clearInterval(holding);
    }
  }

  abandon(): void {
    this.puller.close();
    this.held.clear();
    this.heldBytes = 0;
  }

  private take(wire: ConstructorParameters<typeof DurableMessage>[0]): void {
    const { world, mayAct, onSettled } = this.options;
    const message = new DurableMessage(wire, world, mayAct, onSettled);
    this.held.set(message, performance.now());
    this.heldBytes += message.data.length;
    const work = this.options.take(message).finally(() => {
      // settled, or left unacked on purpose: then it comes again after ack_wait
      if (this.held.delete(message)) this.heldBytes -= message.data.length;
      this.underWay.delete(work);
    });
    this.underWay.add(work);
  }

  private keepHeld(nowMs: number): void {
    this.lastHoldCheck = nowMs;
    if (!this.options.mayAct()) return;
    for (const [message, since] of this.held) {
      if (nowMs - since < HOLD_AFTER_MS) continue;
      message.hold();
      this.held.set(message, nowMs);
    }
  }
}
