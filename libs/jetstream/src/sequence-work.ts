import type { Logger } from '@spillway/telemetry';
import type { Broker } from './broker.ts';
import { consumerSequenceOf, DurableMessage } from './durable-message.ts';
import { isPassing } from './errors.ts';
import { HeldMessages } from './held-messages.ts';
import type { RecentlySettled } from './recently-settled.ts';
import type { ShardWork } from './shard-work.ts';
import { SinglePull } from './single-pull.ts';

export type SequenceWorkOptions = {
  broker: Broker;
  stream: string;
  durable: string;
  /** `<stream>@<creation time>`: what message origins begin with. */
  world: string;
  /** The durable's `max_ack_pending`: one pull brings everything that was ever given out and not settled. */
  batch: number;
  ackWaitMs: number;
  /** What this process settled of this durable, also under an earlier lease. */
  settled: RecentlySettled;
  mayAct: () => boolean;
  mayTake: () => boolean;
  /** Resolves when it is done with the message, whether or not it was removed. */
  take: (message: DurableMessage) => Promise<unknown>;
  onSettled: () => void;
  log: Logger;
};

/** Holds those behind it until it is done with, or says that they may go. */
class SequencedMessage extends DurableMessage {
  private readonly passed = Promise.withResolvers<void>();

  get passedOn(): Promise<void> {
    return this.passed.promise;
  }

  passOn(): void {
    this.passed.resolve();
  }
}

type Wire = ConstructorParameters<typeof DurableMessage>[0];
/** `resting`: nothing is asked for, until everything that was given out may come again. `gathering`: that is fetched, all of it. `flowing`: what is new comes in order by itself. */
type Phase = { is: 'resting'; untilMs: number } | { is: 'gathering'; fresh: number } | { is: 'verifying' } | { is: 'flowing' };

/** Beyond ack_wait: by then the server has put back what it had given out. (4,000 events through a freeze and a kill: 0 out of order, without this wait 120, tried.) */
const BEYOND_ACK_WAIT_MS = 500;
/** Acks are counted a moment after they were sent. */
const VERIFY_TRIES = 5;
const VERIFY_EVERY_MS = 100;

/**
 * Works one durable in the order of its stream, for whoever holds the one lease: a batch at a time, the messages of a subject one after the other, subjects side
 * by side. A message that is not settled holds those behind it; whatever looks like a gap (a new holder, a lost connection, a message that went elsewhere)
 * is answered by resting until the server may give everything again, and fetching all of it before any of it is worked.
 */
export class SequenceWork implements ShardWork {
  private readonly pull: SinglePull;
  private readonly unlisten: () => void;
  private phase: Phase;
  private readonly held: HeldMessages<SequencedMessage>;
  /** Of these, what waits for the next batch; in the order in which it came. */
  private queue: SequencedMessage[] = [];
  private working: Promise<void> | undefined;
  private lastGiven = 0;
  private draining = false;
  private gone = false;

  constructor(private readonly options: SequenceWorkOptions) {
    const { broker, stream, durable } = options;
    this.held = new HeldMessages(options.mayAct);
    this.pull = new SinglePull(broker, { stream, durable, take: (wire) => this.receive(wire) });
    this.phase = this.rest();
    // what was on its way to us when the connection went comes again, after what is new
    this.unlisten = broker.onConnection(() => this.startAnew('the connection changed'));
  }

  get fault(): string | undefined {
    return this.pull.fault;
  }

  get inHand(): number {
    return this.held.size;
  }

  tick(nowMs: number): void {
    if (this.gone || !this.options.mayAct()) return;
    this.held.tick(nowMs);
    if (this.draining || this.working || !this.options.broker.connected || !this.options.mayTake()) return;
    this.advance(nowMs);
  }

  async drain(): Promise<void> {
    this.draining = true;
    this.dropQueue();
    await this.held.holdWhile(this.working);
    this.close();
  }

  abandon(): void {
    this.dropQueue();
    this.held.clear();
    this.close();
  }

  private close(): void {
    this.gone = true;
    this.unlisten();
    this.pull.close();
  }

  private rest(): Phase {
    return { is: 'resting', untilMs: performance.now() + this.options.ackWaitMs + BEYOND_ACK_WAIT_MS };
  }

  private startAnew(why: string): void {
    if (this.gone) return;
    if (this.phase.is !== 'resting') this.options.log.info({ durable: this.options.durable, why }, 'in sequence: everything is fetched again from the first that is not settled');
    this.dropQueue();
    this.phase = this.rest();
  }

  private dropQueue(): void {
    for (const { sequence } of this.queue) this.held.delete(sequence);
    this.queue = [];
  }

  private advance(nowMs: number): void {
    switch (this.phase.is) {
      case 'resting':
        if (nowMs >= this.phase.untilMs) this.gather(nowMs);
        return;
      case 'gathering':
        if (!this.pull.isOpen(nowMs)) void this.verify(this.phase.fresh);
        return;
      case 'verifying':
        return;
      case 'flowing':
        if (this.queue.length > 0) this.work();
        else if (!this.pull.isOpen(nowMs)) this.pull.ask(this.options.batch, false, nowMs);
    }
  }

  private gather(nowMs: number): void {
    this.phase = { is: 'gathering', fresh: 0 };
    this.pull.ask(this.options.batch, true, nowMs);
  }

  private receive(wire: Wire): void {
    if (this.gone) return;
    const { world, mayAct, settled } = this.options;
    const message = new SequencedMessage(wire, world, mayAct, (removed) => this.removed(removed));
    const given = consumerSequenceOf(wire.reply ?? '');
    const follows = given === this.lastGiven + 1 && message.deliveries === 1;
    this.lastGiven = given;
    if (settled.has(message.sequence, message.storedAtMs)) return message.acknowledge();
    const held = this.held.get(message.sequence);
    if (held) return held.cameAgain(message);
    // while it rests nothing is taken: it comes again
    if (this.draining || this.phase.is === 'resting' || this.phase.is === 'verifying') return;
    if (this.phase.is === 'gathering') this.phase.fresh += 1;
    else if (!follows) return this.startAnew('a message came out of turn');
    this.held.add(message);
    this.queue.push(message);
    if (this.phase.is === 'flowing' && !this.working && this.options.mayTake()) this.work();
  }

  /** Nothing that was given out and is not settled may be missing from what was gathered: it would come after what follows it. */
  private async verify(fresh: number): Promise<void> {
    const verifying: Phase = { is: 'verifying' };
    this.phase = verifying;
    const complete = await this.isComplete();
    // begun anew meanwhile, or ended
    if (this.gone || this.draining || this.phase !== verifying) return;
    if (complete === undefined || (!complete && fresh === 0)) return this.startAnew('not everything that is unsettled came');
    if (!complete) return this.gather(performance.now()); // it was more than one pull may have bytes
    this.queue.sort((a, b) => a.sequence - b.sequence);
    this.phase = { is: 'flowing' };
    if (this.queue.length > 0) this.work();
  }

  private async isComplete(): Promise<boolean | undefined> {
    const { broker, stream, durable, log } = this.options;
    try {
      for (let tries = 0; tries < VERIFY_TRIES; tries += 1) {
        const { num_ack_pending: unsettled } = await broker.api<{ num_ack_pending: number }>(`CONSUMER.INFO.${stream}.${durable}`);
        if (unsettled <= this.queue.length) return true;
        await new Promise((resolve) => setTimeout(resolve, VERIFY_EVERY_MS));
      }
      return false;
    } catch (error) {
      if (!isPassing(error)) log.error({ err: error, durable }, 'a durable that is worked in sequence cannot be looked at');
      return undefined;
    }
  }

  private work(): void {
    const batch = this.queue;
    this.queue = [];
    this.working = this.workBatch(batch).finally(() => {
      this.working = undefined;
      if (this.queue.length > 0 && this.phase.is === 'flowing' && !this.draining && this.options.mayAct() && this.options.mayTake()) this.work();
    });
  }

  private async workBatch(batch: readonly SequencedMessage[]): Promise<void> {
    const bySubject = Map.groupBy(batch, ({ subject }) => subject);
    const whole = await Promise.all([...bySubject.values()].map((messages) => this.workOneByOne(messages)));
    for (const { sequence } of batch) this.held.delete(sequence);
    if (!whole.every(Boolean)) this.startAnew('a message was not settled');
  }

  /** @returns whether all of them are settled */
  private async workOneByOne(messages: readonly SequencedMessage[]): Promise<boolean> {
    const { settled, take, mayAct } = this.options;
    const isSettled = ({ sequence, storedAtMs }: SequencedMessage): boolean => settled.has(sequence, storedAtMs);
    const begun: Promise<unknown>[] = [];
    for (const message of messages) {
      if (!mayAct() || this.draining) break;
      const done: Promise<unknown> = take(message);
      begun.push(done);
      const isNextsTurn: boolean = await Promise.race([message.passedOn.then(() => true), done.then(() => isSettled(message))]);
      if (!isNextsTurn) break;
    }
    await Promise.all(begun);
    return messages.every(isSettled);
  }

  private removed({ sequence, storedAtMs }: DurableMessage): void {
    this.held.delete(sequence);
    this.options.settled.add(sequence, storedAtMs);
    this.options.onSettled();
  }
}
