import type { Logger } from '@spillway/telemetry';
import type { Broker } from './broker.ts';
import { DurableMessage } from './durable-message.ts';
import { HeldMessages } from './held-messages.ts';
import { Puller } from './puller.ts';
import type { RecentlySettled } from './recently-settled.ts';
import type { ShardWork } from './shard-work.ts';

export type DurableWorkOptions = {
  broker: Broker;
  stream: string;
  durable: string;
  /** `<stream>@<creation time>`: what message origins begin with. */
  world: string;
  /** What this process settled of this durable, also under an earlier lease. */
  settled: RecentlySettled;
  /** How many more messages may be held, given how many are, how many bytes they have, and how long the last that came had waited. */
  room: (held: number, heldBytes: number, waitedMs: number) => number;
  /** The broker's time; 0 while it is not known. */
  brokerNowMs: () => number;
  /** False once the shard went to somebody else. */
  mayAct: () => boolean;
  take: (message: DurableMessage) => Promise<unknown>;
  /** Something was settled: the ack floor may have moved. */
  onSettled: () => void;
  log: Logger;
};

/** Works one durable: pulls what there is room for, hands it on, and keeps it from coming again while it is worked. */
export class DurableWork implements ShardWork {
  private readonly puller: Puller;
  private readonly held: HeldMessages<DurableMessage>;
  private readonly underWay = new Set<Promise<unknown>>();
  private heldBytes = 0;
  private waitedMs = 0;

  constructor(private readonly options: DurableWorkOptions) {
    const { broker, stream, durable, log } = options;
    this.held = new HeldMessages(options.mayAct);
    this.puller = new Puller(broker, { stream, durable, log, room: () => options.room(this.held.size, this.heldBytes, this.waitedMs), take: (message) => this.take(message) });
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
    this.held.tick(nowMs);
  }

  async drain(): Promise<void> {
    this.puller.close();
    await this.held.holdWhile(this.allDone());
  }

  abandon(): void {
    this.puller.close();
    this.held.clear();
    this.heldBytes = 0;
  }

  private async allDone(): Promise<void> {
    while (this.underWay.size > 0) await Promise.all(this.underWay);
  }

  private take(wire: ConstructorParameters<typeof DurableMessage>[0]): void {
    const { world, mayAct, take } = this.options;
    const message = new DurableMessage(wire, world, mayAct, (removed) => this.removed(removed));
    if (this.cameBefore(message)) return;
    this.waitedMs = Math.max(0, this.options.brokerNowMs() - message.storedAtMs);
    this.held.add(message);
    this.heldBytes += message.data.length;
    const work = take(message).finally(() => {
      // settled, or left unacked on purpose: then it comes again after ack_wait
      this.letGo(message);
      this.underWay.delete(work);
    });
    this.underWay.add(work);
  }

  /** After a restart the server hands out again what we have in hand, or settled in its last moments: no second attempt follows from that. */
  private cameBefore(copy: DurableMessage): boolean {
    const { sequence, storedAtMs } = copy;
    const held = this.held.get(sequence);
    if (held?.storedAtMs === storedAtMs) {
      held.cameAgain(copy);
      return true;
    }
    if (!this.options.settled.has(sequence, storedAtMs)) return false;
    copy.acknowledge();
    // the floor moves by this ack too: without a word of it, what it uncovers would stay until something else is settled
    this.options.onSettled();
    return true;
  }

  private letGo(message: DurableMessage): void {
    if (this.held.get(message.sequence) !== message) return;
    this.held.delete(message.sequence);
    this.heldBytes -= message.data.length;
  }

  private removed({ sequence, storedAtMs }: DurableMessage): void {
    this.options.settled.add(sequence, storedAtMs);
    this.options.onSettled();
  }
}
