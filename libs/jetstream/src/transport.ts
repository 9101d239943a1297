import { Server, type CustomTransportStrategy, type MessageHandler } from '@nestjs/microservices';
import { durableName, filterOf, queueRow, type ConsumerRow, type QueueName } from '@spillway/topology';
import type { Logger } from '@spillway/telemetry';
import { isObservable, lastValueFrom } from 'rxjs';
import type { Broker } from './broker.ts';
import { assertWired } from './consumes.ts';
import { DurableWork } from './durable-work.ts';
import { isPassing } from './errors.ts';
import { FirstSlices, WATCHED_FROM_LOSSES } from './first-slices.ts';
import type { Lease } from './leases.ts';
import { sweepLitter } from './litter.ts';
import { PageNotes } from './page-notes.ts';
import type { Screened } from './page-worker.ts';
import { RecentlySettled } from './recently-settled.ts';
import { ShardOwner } from './shard-owner.ts';
import type { ShardWork } from './shard-work.ts';
import { SubjectOwner, type SubjectOwnerOptions } from './subject-owner.ts';
import type { Left } from './subject-queue.ts';
import { SequenceWork } from './sequence-work.ts';
import type { Burial } from './suspect-lane.ts';
import { SuspectMarkers } from './suspect-markers.ts';
import { Suspects } from './suspects.ts';
import type { Thrown } from './suspicion.ts';
import { Sweep } from './sweep.ts';
import type { WaitingMessage } from './waiting-message.ts';
import type { Worlds } from './worlds.ts';

/**
 * How much a queue may take now. `held` and `heldBytes` count what was taken of this queue (and shard, and subject) and is not settled; `waitedMs` is how long
 * the last message that came from this durable (and shard) had waited there, by the broker's clock. `waiting`: of a subject queue, how many are to be taken.
 */
export type Room = (asked: { queue: QueueName; held: number; heldBytes: number; waitedMs: number; subject?: string; waiting?: number }) => number;

export type TransportOptions = {
  app: string;
  /** Names this process among the app's replicas. */
  replica: string;
  broker: Broker;
  worlds: Worlds;
  log: Logger;
  /** What the handler is given. What it throws goes to `judgeThrow`. */
  decode: (message: WaitingMessage) => unknown;
  /** The one place where a message leaves: given what the handler was given, and what it returned. `until told`: it stays, until `readAgain`. */
  settle: (message: WaitingMessage, payload: unknown, result: unknown) => Promise<Left>;
  room: Room;
  /** Before the messages of a page are handed on one by one: which of them need no handler. Reads them only; what it throws is the handler's to find again. */
  screen?: (queue: QueueName, messages: readonly WaitingMessage[]) => Screened | undefined;
  /** When to ask which subjects a subject queue has; the default is every 5 s. */
  listing?: (queue: QueueName, shard: number) => Pick<SubjectOwnerOptions, 'listings' | 'listEveryMs'>;
  /** A shard was won, and its work is about to begin: what is remembered of it may be old. */
  onShardWon?: (shard: number) => void;
  /** False while nothing may be taken at all, for example while the registry is not complete. */
  mayTake: () => boolean;
  /** The handler or settling threw. What it cannot read is buried at once, an error of the message's own counts (three, and it is buried); otherwise it comes again, for ever. */
  judgeThrow: (error: unknown, message: WaitingMessage) => Thrown;
  /** Keeps a message as a dead letter of the pipeline, says so, and removes it. What this throws leaves the message where it is. */
  bury: Burial;
  /** Told which message is worked alone, because it may end its worker; and when none is any more. */
  onAlone?: (origin: string | undefined) => void;
};

/** Nobody waits for it: a dozen keys a year, perhaps. */
const SWEEP_LITTER_EVERY_MS = 600_000;
/** A loop's beat while there is work: what freed since the last is asked for again. */
const TICK_MS = 20;

/**
 * Keeps Nest's controllers, pipes and interceptors; replaces its NATS transport, which has neither ack nor durability. Queues with shards are
 * worked by whoever holds the shard's lease, the others by every replica.
 */
export class JetStreamTransport extends Server implements CustomTransportStrategy {
  private readonly works = new Set<ShardWork>();
  /** By durable. */
  private readonly settled = new Map<string, RecentlySettled>();
  private readonly unsharded: ShardWork[] = [];
  private owner: ShardOwner | undefined;
  /** Of the queues that are worked by one replica at a time: each is a shard of its own. */
  private readonly soleOwners: ShardOwner[] = [];
  private readonly suspects: Suspects;
  private readonly notes: PageNotes;
  private beat: NodeJS.Timeout | undefined;
  private readonly sweeping: NodeJS.Timeout;
  private closing: Promise<void> | undefined;

  constructor(private readonly options: TransportOptions) {
    super();
    const { app, replica, broker, log } = options;
    this.sweeping = setInterval(() => void this.sweepLitter(), SWEEP_LITTER_EVERY_MS);
    this.sweeping.unref();
    this.notes = new PageNotes(broker, app, replica, log);
    this.suspects = new Suspects({ ...options, markers: new SuspectMarkers(broker, app, replica, log) });
  }

  listen(done: (error?: unknown) => void): void {
    try {
      assertWired(this.options.app, new Set(this.messageHandlers.keys()));
      this.start([...this.messageHandlers.keys()] as QueueName[]);
      done();
    } catch (error) {
      done(error);
    }
  }

  /** What is taken and not settled, over all queues. */
  get inHand(): number {
    let sum = 0;
    for (const work of this.works) sum += work.inHand;
    return sum;
  }

  /** How many shards this process works now. */
  get shardsHeld(): number {
    return this.owner?.shardsHeld ?? 0;
  }

  /** Messages that may end whoever works them: taken and not ended, worked under a marker, and given up, by reason. */
  get suspected(): { inHand: number; worked: number; buried: ReadonlyMap<string, number> } {
    const { inHand, worked, buried } = this.suspects;
    return { inHand, worked, buried };
  }

  /** For `/readyz`: which shards this process works, and what is wrong with a durable. */
  state(): { ok: boolean; shards?: readonly number[]; faults: string[] } {
    const faults = [...this.works].flatMap(({ fault }) => (fault === undefined ? [] : [fault]));
    for (const { state } of this.owners) if (!state.ready && state.why !== undefined) faults.push(state.why);
    return { ok: faults.length === 0 && this.closing === undefined, shards: this.owner?.shards, faults };
  }

  /** Room came for a subject that had none: its owner looks again now, not at the next beat. */
  roomCame(subject: string): void {
    for (const work of this.works) if (work instanceof SubjectOwner) work.poke(subject);
  }

  /** The reason has ended for which messages (of this subject) were left where they wait: they are looked at again now. */
  readAgain(subject?: string): void {
    for (const work of this.works) {
      if (!(work instanceof SubjectOwner)) continue;
      if (subject === undefined) work.readAllAgain();
      else {
        work.readAgain(subject);
        work.poke(subject);
      }
    }
  }

  /** The broker's time, as the last listing of any subject queue said it, carried on by our monotonic clock; 0 while none has. */
  get brokerNowMs(): number {
    for (const work of this.works) if (work instanceof SubjectOwner && work.brokerNowMs > 0) return work.brokerNowMs;
    return 0;
  }

  /** Stop taking, let what is in flight settle, give the shards back. Safe to call twice. */
  close(): Promise<void> {
    this.closing ??= this.drain();
    return this.closing;
  }

  on(): never {
    throw new Error('not supported: this transport has no events of its own');
  }

  // oxlint-disable-next-line typescript/no-unnecessary-type-parameters -- the signature is Nest's
  unwrap<T>(): T {
    return this.options.broker.nc as T;
  }

  private start(names: QueueName[]): void {
    const { app, replica, broker, log } = this.options;
    const sharded = names.filter((name) => queueRow(name).perShard);
    const sole = names.filter((name) => isInSequence(queueRow(name)));
    this.unsharded.push(...names.filter((name) => !sharded.includes(name) && !sole.includes(name)).map((name) => this.open(name)));
    for (const work of this.unsharded) this.works.add(work);
    if (this.unsharded.length > 0) this.beat = setInterval(() => this.tickUnsharded(), TICK_MS);
    const owning = { broker, replica, log, pin: this.options.worlds.created('KV_webhook_leases'), tickEveryMs: TICK_MS };
    for (const name of sole) this.soleOwners.push(new ShardOwner({ ...owning, app: name, shards: [0], open: (_shard, lease) => this.openParts([this.open(name, undefined, lease)]) }));
    for (const owner of this.soleOwners) owner.start();
    if (sharded.length === 0) return;
    this.owner = new ShardOwner({ ...owning, app, open: (shard, lease) => this.openShard(sharded, shard, lease) });
    this.owner.start();
  }

  private get owners(): ShardOwner[] {
    return this.owner ? [this.owner, ...this.soleOwners] : this.soleOwners;
  }

  private tickUnsharded(): void {
    const now = performance.now();
    for (const work of this.unsharded) work.tick(now);
  }

  private openShard(names: QueueName[], shard: number, lease: Lease): ShardWork {
    this.options.onShardWon?.(shard);
    return this.openParts(names.map((name) => this.open(name, shard, lease)));
  }

  /** Everything an owner does for one shard, as one piece of work. */
  private openParts(parts: ShardWork[]): ShardWork {
    for (const part of parts) this.works.add(part);
    const close = (): void => parts.forEach((part) => this.works.delete(part));
    return {
      get inHand() {
        return parts.reduce((sum, part) => sum + part.inHand, 0);
      },
      tick: (nowMs) => parts.forEach((part) => part.tick(nowMs)),
      drain: async () => {
        await Promise.all(parts.map((part) => part.drain()));
        close();
      },
      abandon: () => {
        parts.forEach((part) => part.abandon());
        close();
      },
    };
  }

  private open(name: QueueName, shard?: number, lease?: Lease): ShardWork {
    const { broker, worlds, log, room, mayTake } = this.options;
    const row = queueRow(name);
    const handler = this.messageHandlers.get(name) as MessageHandler;
    const world = `${row.stream}@${worlds.created(row.stream)}`;
    const mayAct = (): boolean => lease?.owned() ?? true;
    // nobody counts deliveries in a subject queue; the losses of its shard are counted instead
    const first = row.kind === 'subjects' && lease !== undefined && lease.losses >= WATCHED_FROM_LOSSES ? new FirstSlices() : undefined;
    const take = (message: WaitingMessage): Promise<Left> => this.handle(message, handler, first);
    if (row.kind === 'subjects') {
      const roomOf = (subject: string, held: number, heldBytes: number, waiting: number): number => (mayTake() ? room({ queue: name, held, heldBytes, subject, waiting, waitedMs: 0 }) : 0);
      const listing = this.options.listing?.(name, shard as number);
      return new SubjectOwner({ broker, row, shard: shard as number, world, mayAct, room: roomOf, take, log, ...listing });
    }
    const sweep = this.sweepOf(row, name, shard);
    const durable = durableName(name, shard);
    if (row.inSequence) {
      const { ack_wait: ackWaitNs, max_ack_pending: batch } = row.config;
      const common = { broker, stream: row.stream, durable, world, settled: this.settledOf(durable), mayAct, take, log };
      return sweep.with(new SequenceWork({ ...common, batch, ackWaitMs: ackWaitNs / 1e6, mayTake, onSettled: () => sweep.settled() }));
    }
    const work = new DurableWork({
      broker,
      stream: row.stream,
      durable,
      world,
      settled: this.settledOf(durable),
      mayAct,
      room: (held, heldBytes, waitedMs) => (mayTake() ? room({ queue: name, held, heldBytes, waitedMs }) : 0),
      brokerNowMs: () => this.brokerNowMs,
      take,
      screen: this.screenOf(name),
      notes: this.notes,
      onSettled: () => sweep.settled(),
      log,
    });
    return sweep.with(work);
  }

  /** Not while a suspect is worked alone: whatever happens then is the suspect's. */
  private screenOf(name: QueueName): ((messages: readonly WaitingMessage[]) => Screened | undefined) | undefined {
    const { screen } = this.options;
    if (!screen) return undefined;
    return (messages) => {
      if (!this.suspects.turnstile.isOpen) return undefined;
      try {
        return screen(name, messages);
      } catch {
        return undefined; // whose fault it is the handler finds out: it works them one by one
      }
    };
  }

  /** Outlives the lease: a shard that is lost for a moment and won again is known. */
  private settledOf(durable: string): RecentlySettled {
    const settled = this.settled.get(durable) ?? new RecentlySettled();
    this.settled.set(durable, settled);
    return settled;
  }

  private sweepOf(row: ConsumerRow, name: QueueName, shard?: number): Sweep {
    const { broker, log } = this.options;
    return new Sweep({ broker, stream: row.stream, durable: durableName(name, shard), filter: filterOf(row, shard), log });
  }

  private async handle(message: WaitingMessage, handler: MessageHandler, first: FirstSlices | undefined): Promise<Left> {
    const { suspects } = this;
    if (suspects.includes(message, first)) return suspects.work(message, () => this.work(message, handler));
    while (!suspects.turnstile.isOpen) await suspects.turnstile.opened();
    suspects.turnstile.begun();
    try {
      return await this.work(message, handler);
    } catch (error) {
      await suspects.threw(message, error);
      return undefined;
    } finally {
      suspects.turnstile.ended();
    }
  }

  private async work(message: WaitingMessage, handler: MessageHandler): Promise<Left> {
    if (!message.owned()) return undefined;
    const payload = this.options.decode(message);
    const returned: unknown = await handler(payload, message);
    const result: unknown = isObservable(returned) ? await lastValueFrom(returned) : returned;
    return this.options.settle(message, payload, result);
  }

  private async sweepLitter(): Promise<void> {
    const { broker, app, log } = this.options;
    try {
      const removed = await sweepLitter(broker, app);
      if (removed > 0) log.info({ removed }, 'keys of messages that are gone were removed');
    } catch (error) {
      if (!isPassing(error)) log.warn({ err: error }, 'keys of messages that are gone were not looked for');
    }
  }

  private async drain(): Promise<void> {
    clearInterval(this.beat);
    clearInterval(this.sweeping);
    this.suspects.close();
    await Promise.all(this.owners.map((owner) => owner.drain()));
    await Promise.all([...this.works].map((work) => work.drain()));
  }
}

const isInSequence = (row: ReturnType<typeof queueRow>): boolean => row.kind === 'consumer' && row.inSequence === true;
