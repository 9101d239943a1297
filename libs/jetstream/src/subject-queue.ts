import type { Logger } from '@spillway/telemetry';
import type { DirectGet, Slice, StoredMessage } from './direct-get.ts';
import { isPassing } from './errors.ts';
import type { Remover } from './purge.ts';
import { SettledFloor } from './settled-floor.ts';
import { SubjectMessage, type SubjectMessageHome } from './subject-message.ts';

/** How a message that was not removed is left: for a few seconds, or until `readAgain`, because a reason for it has to end. */
export type Left = void | 'until told';

/** What all queues of an owner share. */
export interface SubjectQueueHost {
  readonly stream: string;
  readonly world: string;
  readonly reader: DirectGet;
  readonly remover: Remover;
  readonly log: Logger;
  /** While the shard is new here and the stream has followers, one of which may be behind. */
  readAtLeader(): boolean;
  mayAct(): boolean;
  /** False while nothing more is begun. */
  mayTake(): boolean;
  take(message: SubjectMessage): Promise<Left>;
  /** Something of this queue was settled or left. */
  onEnded(queue: SubjectQueue): void;
}

/** At least so often, so that a crash repeats little. */
const REMOVE_EVERY_MS = 250;
/** Or sooner, when so many are settled. */
const REMOVE_AT = 1_024;
/** Settled that long ago and still stored: removing is behind, so nothing more is begun until it has caught up. A crash repeats two seconds’ worth and no more. */
const BEHIND_MS = 1_500;
/** What was left without an outcome is read again after this, as ack_wait has it in a durable. */
const LEFT_FOR_MS = 5_000;
/** Of what is left for a few seconds: whose messages are left one after the other has no use for more of them. */
const LEFT_MAX = 1_024;
/** Of what is left until told (a suspended tenant's, beside those of others): 40 bytes each. */
const LEFT_UNTIL_TOLD_MAX = 400_000;
/** One request each: a follower is behind by milliseconds, so the first few are enough. */
const LEADER_SLICE_MAX = 32;
const FOREVER = Number.POSITIVE_INFINITY;

/** One subject, worked in place: read in slices, removed up to the settled floor. Has no clock of its own; its owner says when. */
export class SubjectQueue implements SubjectMessageHome {
  private readonly floor = new SettledFloor();
  /** Read, and left without an outcome: they hold the floor, and are read again. */
  private readonly left = new Set<number>();
  private leftUntilTold = 0;
  /** Told to read again while a slice was under way: what it brings must not move the cursor past what was left. */
  private toldAgain = false;
  private readonly inWork = new Map<SubjectMessage, number>();
  private cursor = 1;
  private readAgainAt = FOREVER;
  private toldMore = false;
  private nextRemoval = 0;
  private removing = false;
  private bytes = 0;
  /** Monotonic, while a slice is under way. */
  readingSince: number | undefined;
  lastActive = performance.now();

  constructor(
    readonly subject: string,
    private readonly host: SubjectQueueHost,
    /** How many are stored that were not read, as far as known. */
    public unread: number,
  ) {}

  get world(): string {
    return this.host.world;
  }

  /** Taken and not settled. */
  get held(): number {
    return this.inWork.size;
  }

  get heldBytes(): number {
    return this.bytes;
  }

  get unremoved(): number {
    return this.floor.unremoved;
  }

  /** Nothing to read, to settle or to remove. */
  get idle(): boolean {
    return this.unread === 0 && this.held === 0 && this.floor.unremoved === 0 && this.left.size === 0 && this.readingSince === undefined;
  }

  get mayRead(): boolean {
    const goesOn = this.cursor > this.floor.lastRead;
    const full = this.left.size - this.leftUntilTold >= LEFT_MAX || this.left.size >= LEFT_UNTIL_TOLD_MAX;
    return this.unread > 0 && this.readingSince === undefined && !(goesOn && full);
  }

  get hasLeft(): boolean {
    return this.left.size > 0;
  }

  isBehind(nowMs: number): boolean {
    const oldest = this.floor.oldestUnremovedMs;
    return oldest !== undefined && nowMs - oldest > BEHIND_MS;
  }

  /** Somebody says that something was stored. */
  more(): void {
    this.toldMore = true;
    if (this.unread === 0) this.unread = 1;
  }

  /** The stream holds so many of this subject, those included that were read and not removed. */
  listed(count: number): void {
    // what was left counts as read already, and is still to be read when the cursor went back for it
    const again = this.cursor <= this.floor.lastRead ? this.left.size : 0;
    this.unread = Math.max(again, count - this.floor.outstanding);
  }

  /** Reads what was left from its beginning: now, because the reason has ended, or when its time has come. */
  readAgain(): void {
    this.toldAgain = this.readingSince !== undefined;
    if (this.left.size === 0) return;
    for (const sequence of this.left) this.cursor = Math.min(this.cursor, sequence);
    this.leftUntilTold = 0;
    this.unread = Math.max(this.unread, this.left.size);
    this.readAgainAt = FOREVER;
  }

  readAgainIfDue(nowMs: number): void {
    if (nowMs >= this.readAgainAt) this.readAgain();
  }

  /** One slice, handed out at once. @throws BrokerAway | BrokerRefused | OutcomeUnknown */
  async read(batch: number, maxBytes: number): Promise<void> {
    const from = this.cursor;
    this.readingSince = performance.now();
    this.toldMore = false;
    try {
      const slice = await this.slice(from, batch, maxBytes);
      if (!this.host.mayAct() || !this.host.mayTake()) return;
      this.accept(from, slice);
    } finally {
      this.readingSince = undefined;
      if (this.toldAgain) this.readAgain();
    }
  }

  removalDue(nowMs: number, atOnce = false): boolean {
    return !this.removing && this.floor.unremoved > 0 && (atOnce || nowMs >= this.nextRemoval || this.floor.unremoved >= REMOVE_AT);
  }

  /** Removes what is settled. @param all also what is settled above a floor that has only just stopped. Never throws: what stays is tried again. */
  async remove(all = false): Promise<void> {
    const nowMs = performance.now();
    const { upTo, singles } = this.floor.due(nowMs, all);
    this.removing = true;
    this.nextRemoval = nowMs + REMOVE_EVERY_MS;
    try {
      if (upTo !== undefined) await this.purge(upTo);
      await Promise.all(singles.map((sequence) => this.removeOne(sequence)));
      // there may be more above a stuck floor than one round takes
      if (singles.length > 0) this.nextRemoval = 0;
    } catch (error) {
      if (!isPassing(error)) this.host.log.error({ err: error, subject: this.subject }, 'removing what is settled failed');
    } finally {
      this.removing = false;
    }
  }

  mayAct(): boolean {
    return this.host.mayAct();
  }

  settled(message: SubjectMessage): void {
    // no longer ours: whoever owns it now decides what happened to it
    if (!this.release(message) || !this.host.mayAct()) return;
    this.floor.settle(message.sequence, performance.now());
    this.host.onEnded(this);
  }

  leave(message: SubjectMessage, untilTold: boolean): void {
    if (!this.release(message)) return;
    this.left.add(message.sequence);
    if (untilTold) this.leftUntilTold += 1;
    else this.readAgainAt = Math.min(this.readAgainAt, performance.now() + LEFT_FOR_MS);
    this.host.onEnded(this);
  }

  private async purge(upTo: number): Promise<void> {
    if (!this.host.mayAct()) return;
    await this.host.remover.purge(this.host.stream, { filter: this.subject, seq: upTo + 1 });
    this.floor.purged(upTo);
  }

  private async removeOne(sequence: number): Promise<void> {
    if (!this.host.mayAct()) return;
    await this.host.remover.remove(this.host.stream, sequence);
    this.floor.removedOne(sequence);
  }

  private async slice(fromSequence: number, batch: number, maxBytes: number): Promise<Slice> {
    const { reader } = this.host;
    if (!this.host.readAtLeader()) return reader.slice({ subject: this.subject, fromSequence, batch, maxBytes });
    const messages: StoredMessage[] = [];
    for (let from = fromSequence; messages.length < Math.min(batch, LEADER_SLICE_MAX); from = (messages.at(-1) as StoredMessage).sequence + 1) {
      const message = await reader.atLeader(this.subject, from);
      if (!message) return { messages, pending: 0 };
      messages.push(message);
    }
    return { messages, pending: Math.max(1, this.unread - messages.length) };
  }

  private accept(from: number, { messages, pending }: Slice): void {
    this.lastActive = performance.now();
    const end = pending === 0 ? FOREVER : (messages.at(-1)?.sequence ?? from);
    const shown = new Set(messages.map(({ sequence }) => sequence));
    for (const message of messages) if (this.isToBeWorked(message.sequence)) this.hand(message);
    for (const sequence of this.left) if (sequence >= from && sequence <= end && !shown.has(sequence)) this.forgetLeft(sequence);
    this.cursor = Math.max((messages.at(-1)?.sequence ?? 0) + 1, pending === 0 ? this.floor.lastRead + 1 : from);
    this.unread = Math.max(pending, this.toldMore ? 1 : 0);
  }

  /** New, or left before. What is in work, settled or removed is shown by a read that went back, or by a follower that is behind. */
  private isToBeWorked(sequence: number): boolean {
    return this.floor.read(sequence, this.lastActive) || this.left.delete(sequence);
  }

  /** It was left, and somebody else removed it (its endpoint was deleted, an operator purged). */
  private forgetLeft(sequence: number): void {
    this.left.delete(sequence);
    this.floor.settle(sequence, this.lastActive, false);
  }

  private hand(stored: StoredMessage): void {
    const message = new SubjectMessage(stored, this);
    const bytes = stored.data.length;
    this.inWork.set(message, bytes);
    this.bytes += bytes;
    this.host.take(message).then(
      (left) => message.leave(left === 'until told'),
      (error: unknown) => {
        this.host.log.error({ err: error, subject: this.subject, origin: message.origin }, 'a message could not be worked, and stays');
        message.leave();
      },
    );
  }

  private release(message: SubjectMessage): boolean {
    const bytes = this.inWork.get(message);
    if (bytes === undefined) return false;
    this.bytes -= bytes;
    return this.inWork.delete(message);
  }
}
