import { filterOf, subject as subjects, type ParkedKind, type SubjectRow } from '@spillway/topology';
import type { Subscription } from '@nats-io/transport-node';
import type { Logger } from '@spillway/telemetry';
import type { Broker } from './broker.ts';
import { DirectGet } from './direct-get.ts';
import { Remover } from './purge.ts';
import type { ShardWork } from './shard-work.ts';
import type { SubjectList } from './subject-list.ts';
import { SubjectListing, type Listing } from './subject-listing.ts';
import type { SubjectMessage } from './subject-message.ts';
import { SubjectQueue, type Left, type SubjectQueueHost } from './subject-queue.ts';

export type SubjectOwnerOptions = {
  broker: Broker;
  row: SubjectRow;
  shard: number;
  /** `<stream>@<creation time>`: what message origins begin with. */
  world: string;
  /** False once the shard went to somebody else. */
  mayAct: () => boolean;
  /** How many more of a subject may be taken now, given how many of it are held, how many bytes they have, and how many wait to be taken, as far as known. */
  room: (subject: string, held: number, heldBytes: number, waiting: number) => number;
  /** Resolves when it is done with the message; one that was not removed by then is read again after 5 s, or, `until told`, after `readAgain`. */
  take: (message: SubjectMessage) => Promise<Left>;
  log: Logger;
  /** Beside the whole shard's, which is listed on takeover and each `listEveryMs`. */
  listings?: readonly Listing[];
  listEveryMs?: number;
  /** Bounds of what is held in memory at once, over all subjects. */
  maxHeld?: number;
  maxHeldBytes?: number;
};

const SLICE_MAX = 256;
const SLICE_BYTES_MAX = 2 * 2 ** 20;
const READS_IN_FLIGHT = 4;
const REMOVALS_IN_FLIGHT = 8;
/** 8 shards together stay under the process's 64 MiB. */
const MAX_HELD_BYTES = 8 * 2 ** 20;
const MAX_HELD = 4_096;
/** Subjects without room are asked again in turn, each once a second, and at least so many a tick; whoever knows that room came says `poke`. */
const ASK_AGAIN_EVERY_MS = 1_000;
const ASK_AGAIN_MIN = 8;
/** For so long after a takeover a follower might not have seen what our predecessor removed. */
const LEADER_FIRST_MS = 5_000;
/** An empty subject is remembered for so long, because a follower that is behind may still show what we removed. */
const FORGET_AFTER_MS = 10_000;
/** Three times what any request may take: then this worker stands still, and its lease must not be renewed. */
const STUCK_MS = 15_000;
/** After a read that failed. */
const PAUSE_MS = 250;

/** Works the subjects of one shard in place: reads them in turns as there is room, and removes what is settled. Everything happens on `tick` or in answer to what it began. */
export class SubjectOwner implements ShardWork {
  private readonly filter: string;
  private readonly reader: DirectGet;
  private readonly host: SubjectQueueHost;
  private readonly nudges: Subscription | undefined;
  private readonly openedAt = performance.now();
  /** Messages by subject, from the last listing, for those that nobody has begun to read. */
  private counts = new Map<string, number>();
  private readonly queues = new Map<string, SubjectQueue>();
  /** Subjects that may have something to read, in the order of their turns. */
  private readonly ready = new Set<string>();
  /** Subjects that have, and no room. */
  private readonly blocked = new Set<string>();
  private readonly nudgedMeanwhile = new Set<string>();
  private readonly reading = new Set<SubjectQueue>();
  /** Queues with something to remove or to read again. */
  private readonly unfinished = new Set<SubjectQueue>();
  private readonly listing: SubjectListing;
  private replicas = 1;
  private removals = 0;
  private askedAgainAt = performance.now();
  private pausedUntil = 0;
  private pending: NodeJS.Immediate | undefined;
  private gone = false;
  private draining: PromiseWithResolvers<void> | undefined;
  private heldCount = 0;
  private heldBytes = 0;
  /** Asked for and not here yet, at most. */
  private askedCount = 0;
  private askedBytes = 0;

  constructor(private readonly options: SubjectOwnerOptions) {
    const { broker, row, shard, world, log, listings, listEveryMs } = options;
    this.filter = filterOf(row, shard);
    this.reader = new DirectGet(broker, row.stream);
    const onList = (list: SubjectList, whole: boolean): void => this.learn(list, whole);
    this.listing = new SubjectListing({ broker, stream: row.stream, filter: this.filter, everyMs: listEveryMs, listings, log, onList, isWanted: () => this.host.mayAct() });
    const nudge = nudgeOf(this.filter, shard);
    if (nudge !== undefined) this.nudges = broker.nc.subscribe(nudge, { callback: (_error, message) => this.nudged(message.string()) });
    this.host = {
      stream: row.stream,
      world,
      reader: this.reader,
      remover: Remover.of(broker),
      log,
      readAtLeader: () => this.replicas > 1 && performance.now() - this.openedAt < LEADER_FIRST_MS,
      mayAct: () => !this.gone && options.mayAct(),
      mayTake: () => this.draining === undefined,
      take: (message) => this.take(message),
      onEnded: (queue) => this.ended(queue),
    };
  }

  /** Taken and not settled. */
  get inHand(): number {
    return this.heldCount;
  }

  /** Messages of a subject that nobody has taken yet, as far as known. */
  waiting(subject: string): number {
    return this.queues.get(subject)?.unread ?? this.counts.get(subject) ?? 0;
  }

  /** Every subject that holds messages, as far as known, with how many nobody has taken yet. */
  *subjects(): IterableIterator<[string, number]> {
    for (const subject of this.counts.keys()) yield [subject, this.waiting(subject)];
  }

  /** The broker's time now; 0 before the first listing. */
  get brokerNowMs(): number {
    return this.listing.brokerNowMs;
  }

  /** What the broker said when it refused to list or to be read. */
  get fault(): string | undefined {
    return this.listing.fault;
  }

  /** Room may have come for this subject (for all of them, without one): looked at now, not at its turn. */
  poke(subject?: string): void {
    if (subject === undefined) this.askAgain(this.blocked.size);
    else if (this.blocked.delete(subject)) this.ready.add(subject);
    else return;
    this.soon();
  }

  /** The reason has ended for which messages of this subject were left: they are read again now. */
  readAgain(subject: string): void {
    this.queues.get(subject)?.readAgain();
    this.look(subject);
  }

  /** The same for every subject. */
  readAllAgain(): void {
    for (const subject of this.queues.keys()) this.readAgain(subject);
    this.poke();
  }

  /** @throws Error when it stands still, so that its lease lapses */
  tick(nowMs: number): void {
    if (!this.host.mayAct()) return;
    this.assertMoving(nowMs);
    if (this.draining === undefined) this.takeMore(nowMs);
    this.tidy(nowMs);
  }

  /** Resolves, as ticks go on, when everything taken is settled or left, and what is settled is removed. */
  drain(): Promise<void> {
    if (!this.draining) {
      this.draining = Promise.withResolvers<void>();
      this.endIfDrained();
    }
    return this.draining.promise;
  }

  abandon(): void {
    this.gone = true;
    this.close();
  }

  private close(): void {
    if (this.pending) clearImmediate(this.pending);
    this.nudges?.unsubscribe();
    this.reader.close();
    this.counts.clear();
    this.queues.clear();
    this.ready.clear();
    this.blocked.clear();
    this.unfinished.clear();
  }

  private takeMore(nowMs: number): void {
    if (!this.options.broker.connected) return;
    this.listing.tick(nowMs);
    this.askAgain(Math.max(ASK_AGAIN_MIN, Math.ceil((this.blocked.size * (nowMs - this.askedAgainAt)) / ASK_AGAIN_EVERY_MS)));
    this.askedAgainAt = nowMs;
    this.read(nowMs);
  }

  // ---- which subjects there are

  private learn({ counts, replicas }: SubjectList, whole: boolean): void {
    this.replicas = replicas;
    for (const [subject, count] of counts) this.learnOne(subject, count);
    if (whole) this.forget(counts, performance.now());
    // stored after the server counted, perhaps
    for (const subject of this.nudgedMeanwhile) this.hasMore(subject);
    this.nudgedMeanwhile.clear();
    this.soon();
  }

  private learnOne(subject: string, count: number): void {
    this.counts.set(subject, count);
    this.queues.get(subject)?.listed(count);
    this.look(subject);
  }

  private forget(counts: Map<string, number>, nowMs: number): void {
    this.counts = counts;
    for (const [subject, queue] of this.queues) {
      if (counts.has(subject)) continue;
      queue.listed(0);
      if (!queue.idle || nowMs - queue.lastActive < FORGET_AFTER_MS) continue;
      this.queues.delete(subject);
      this.ready.delete(subject);
      this.blocked.delete(subject);
    }
  }

  /** With a subject: that one has something; without: something has. */
  private nudged(subject: string): void {
    if (this.gone) return;
    if (!subject.startsWith(this.filter.slice(0, -1))) {
      this.listing.hurry();
      return;
    }
    if (this.listing.isUnderWay) this.nudgedMeanwhile.add(subject);
    this.hasMore(subject);
    this.soon();
  }

  private hasMore(subject: string): void {
    const queue = this.queues.get(subject);
    if (queue) queue.more();
    else this.counts.set(subject, Math.max(1, this.counts.get(subject) ?? 0));
    this.look(subject);
  }

  // ---- taking

  /** Gives it a turn when it has something to read. */
  private look(subject: string): void {
    if (this.waiting(subject) > 0 && !this.blocked.has(subject)) this.ready.add(subject);
  }

  private askAgain(count: number): void {
    let left = count;
    for (const subject of this.blocked) {
      if (left-- <= 0) return;
      this.blocked.delete(subject);
      this.ready.add(subject);
    }
  }

  /** Goes on without waiting for the next tick; many reasons are one look. */
  private soon(): void {
    if (this.pending || this.gone || this.draining) return;
    this.pending = setImmediate(() => {
      this.pending = undefined;
      if (this.host.mayAct() && this.draining === undefined) this.read(performance.now());
    });
  }

  private read(nowMs: number): void {
    if (nowMs < this.pausedUntil || !this.options.broker.connected) return;
    for (const subject of this.ready) {
      const space = this.space();
      if (this.reading.size >= READS_IN_FLIGHT || space.messages <= 0 || space.bytes <= 0) return;
      this.ready.delete(subject);
      this.readOne(subject, space, nowMs);
    }
  }

  /** What memory is left, with all that was asked for already here. */
  private space(): { messages: number; bytes: number } {
    const { maxHeld = MAX_HELD, maxHeldBytes = MAX_HELD_BYTES } = this.options;
    return { messages: maxHeld - this.heldCount - this.askedCount, bytes: maxHeldBytes - this.heldBytes - this.askedBytes };
  }

  private readOne(subject: string, space: { messages: number; bytes: number }, nowMs: number): void {
    const known = this.queues.get(subject);
    if (known ? !known.mayRead : this.waiting(subject) === 0) return;
    const room = known?.isBehind(nowMs) === true ? 0 : this.options.room(subject, known?.held ?? 0, known?.heldBytes ?? 0, this.waiting(subject));
    if (room <= 0) {
      this.blocked.add(subject);
      return;
    }
    const queue = known ?? new SubjectQueue(subject, this.host, this.waiting(subject));
    this.queues.set(subject, queue);
    void this.readSlice(queue, Math.min(room, SLICE_MAX, space.messages), Math.min(SLICE_BYTES_MAX, space.bytes));
  }

  private async readSlice(queue: SubjectQueue, batch: number, maxBytes: number): Promise<void> {
    this.reading.add(queue);
    this.askedCount += batch;
    this.askedBytes += maxBytes;
    try {
      await queue.read(batch, maxBytes);
    } catch (error) {
      this.pausedUntil = performance.now() + PAUSE_MS;
      this.listing.failed(error, 'a subject cannot be read');
    } finally {
      this.reading.delete(queue);
      this.askedCount -= batch;
      this.askedBytes -= maxBytes;
      // to the end of the line: one subject with a million messages does not keep a thousand others waiting
      this.look(queue.subject);
      this.soon();
      this.endIfDrained();
    }
  }

  private async take(message: SubjectMessage): Promise<Left> {
    const bytes = message.data.length;
    this.heldCount += 1;
    this.heldBytes += bytes;
    try {
      return await this.options.take(message);
    } finally {
      this.heldCount -= 1;
      this.heldBytes -= bytes;
    }
  }

  // ---- removing

  private ended(queue: SubjectQueue): void {
    this.unfinished.add(queue);
    if (this.blocked.delete(queue.subject)) this.ready.add(queue.subject);
    this.soon();
  }

  private tidy(nowMs: number): void {
    const all = this.draining !== undefined;
    for (const queue of this.unfinished) {
      queue.readAgainIfDue(nowMs);
      if (queue.mayRead) this.look(queue.subject);
      if (queue.removalDue(nowMs, all) && this.removals < REMOVALS_IN_FLIGHT) void this.remove(queue, all);
      else if (queue.unremoved === 0 && !queue.hasLeft) this.unfinished.delete(queue);
    }
    this.endIfDrained();
  }

  private async remove(queue: SubjectQueue, all: boolean): Promise<void> {
    this.removals += 1;
    await queue.remove(all);
    this.removals -= 1;
    this.endIfDrained();
  }

  private endIfDrained(): void {
    if (!this.draining || this.heldCount > 0 || this.reading.size > 0) return;
    for (const queue of this.unfinished) if (queue.unremoved > 0) return;
    this.close();
    this.draining.resolve();
  }

  private assertMoving(nowMs: number): void {
    this.listing.assertMoving(nowMs);
    for (const { readingSince, subject } of this.reading) if (readingSince !== undefined && nowMs - readingSince > STUCK_MS) throw new Error(`a read of ${subject} does not come back`);
  }
}

/** Parked subjects have nudges; the calendar needs none. */
const nudgeOf = (filter: string, shard: number): string | undefined => {
  const kind = /^webhook\.parked\.(first|later)\./.exec(filter)?.[1];
  return kind === undefined ? undefined : subjects.nudge(kind as ParkedKind, shard);
};
