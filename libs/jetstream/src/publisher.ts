import type { HeaderPairs } from '@spillway/contracts';
import { streams, type StreamName, type StreamRow } from '@spillway/topology';
import { nuid, type Msg } from '@nats-io/transport-node';
import { backOff } from './backoff.ts';
import { bindPages, PAGE_BYTES } from './bind-pages.ts';
import type { Broker } from './broker.ts';
import { BrokerAway, isPassing, OutcomeUnknown, PublisherSaturated, PublishRefused, Stopped } from './errors.ts';
import { Lingering, type Linger } from './linger.ts';
import { asMsgHdrs, encodeHeaders, headersFit } from './raw-headers.ts';
import { Queued, type Outgoing, type PubAck, type Unit } from './unit.ts';

export type { Outgoing, PubAck } from './unit.ts';

export type PublisherOptions = {
  maxWaiting?: number;
  maxWaitingBytes?: number;
  timeoutMs?: number;
  /** Messages a group: 500, and never more than the 1000 that the server takes in a batch. */
  maxGroup?: number;
  /** Bytes a group: 4 MiB. One message may have more; and a group a sixteenth of what waits. */
  maxGroupBytes?: number;
  /** Of which subjects the messages of a group are stored as pages: one message of the stream for many. None of them may have a `Nats-Msg-Id`. */
  pages?: (subject: string) => boolean;
  /** Absent: a group goes at once. */
  linger?: Linger | undefined;
};

type WireAck = { seq?: number; duplicate?: boolean; batch?: string; count?: number; error?: { code: number; err_code?: number; description?: string } };

/** Up to here as pipelined singles (0.5–1 ms each, side by side), above as one atomic batch (4–9 ms, one disk sync for all): measured, they cross at about ten. */
const FEW = 8;
/** The server's limit is 1000 messages a batch. */
const MAX_BATCH = 1_000;
const GROUP = 500;
const GROUP_BYTES = 4 * 2 ** 20;
/**
 * For the lane bulk, beside which others publish to the same stream: with groups of 4 MiB of events of 256 KiB before it, what is fresh waited 37 ms for its place in DELIVERY
 * (p99, measured; 3 ms alone). With its headers such a group of small events is one page.
 */
export const BULK_GROUP_BYTES = 192 * 1_024;
/** Whatever waits is under way after so many groups, also where a disk sync takes 90 ms and little is to be under way at once. */
const GROUPS_OF_A_QUEUE = 16;
const GROUPS_IN_FLIGHT = 2;
const TENS = 10;
/** Half of what came before is forgotten with every seven groups. */
const WEIGHT_OF_A_GROUP = 0.1;
/** What a member of a batch carries more: `Nats-Batch-Id` of 22 characters, `-Sequence` of four and `-Commit`, 88 in all. */
const BATCH_HEADER_BYTES = 96;
/** The server's own number for it: "message size exceeds maximum allowed". */
const TOO_LARGE = 10_054;
/** A subject that was full a moment ago is not asked again at once: one tenant's quota must not cost the others their batches. */
const FULL_FOR_MS = 200;
/**
 * nats-server 2.15.1: when what is stored of a subject and a batch's members of it *together* cross `max_msgs_per_subject`, the commit gets no answer and the
 * batch is stored in part (a subject that is full already is refused properly). So a subject in a batch that was not answered goes as singles for a while,
 * where the server refuses as it should; whoever knows that one is near its cap says `keepApart` before that.
 */
const APART_FOR_MS = 10_000;
const APART_MAX = 10_000;

/**
 * Publishes to one stream in groups, without timers: at most two groups are under way, and what arrives meanwhile is the next group. So at low load
 * a message costs one disk sync of latency, and groups grow with the load by themselves. Only what has a linger waits for company.
 */
export class Publisher {
  private queue: Unit[] = [];
  /** Messages and bytes in `queue`. */
  private untaken = 0;
  private untakenBytes = 0;
  private queuedMessages = 0;
  private queuedBytes = 0;
  private flying = 0;
  private poked = false;
  /** Refusals of full subjects, by subject, and until when they stand (monotonic ms). */
  private readonly full = new Map<string, { until: number; refusal: PublishRefused }>();
  /** Subjects that go as singles, and until when (monotonic ms). */
  private readonly apart = new Map<string, number>();
  private readonly isCapped: boolean;
  private readonly maxWaiting: number;
  private readonly maxWaitingBytes: number;
  private readonly timeoutMs: number;
  private readonly maxGroup: number;
  private readonly maxGroupBytes: number;
  private readonly pages: PublisherOptions['pages'];
  private readonly lingering: Lingering;
  private perStored = 1;
  private readonly forget = ({ messages, bytes }: Unit): void => {
    this.queuedMessages -= messages.length;
    this.queuedBytes -= bytes;
  };

  constructor(
    private readonly broker: Broker,
    private readonly stream: StreamName,
    { maxWaiting = 10_000, maxWaitingBytes = 64 * 2 ** 20, timeoutMs = 5_000, maxGroup = GROUP, maxGroupBytes = GROUP_BYTES, pages, linger }: PublisherOptions = {},
  ) {
    this.maxWaiting = maxWaiting;
    this.maxWaitingBytes = maxWaitingBytes;
    this.timeoutMs = timeoutMs;
    this.pages = pages;
    this.lingering = new Lingering(linger, () => this.poke());
    this.maxGroup = Math.min(maxGroup, MAX_BATCH);
    this.maxGroupBytes = maxGroupBytes;
    this.isCapped = (streams[stream] as StreamRow).max_msgs_per_subject !== undefined;
  }

  /** Messages accepted here that have no answer yet. */
  get waiting(): number {
    return this.queuedMessages;
  }

  /** How many messages one that is stored holds, lately: 1 where there are no pages. */
  get perMessage(): number {
    return this.perStored;
  }

  /** @throws PublishRefused (certainly not stored) | OutcomeUnknown (perhaps stored) | BrokerAway (not sent) | PublisherSaturated (not sent) */
  async publish(subject: string, headers: HeaderPairs, data: Uint8Array): Promise<PubAck> {
    const [ack] = await this.enqueue([{ subject, headers, data }]);
    return ack as PubAck;
  }

  /** All or nothing when they are more than a few. At most 1000 messages. Same errors as `publish`. */
  async publishTogether(messages: readonly Outgoing[]): Promise<PubAck[]> {
    return messages.length === 0 ? [] : this.enqueue(messages);
  }

  /**
   * Each for itself, in this order, in as few groups as they fit into; one promise for all of them. Never rejects: at each message's place stands its
   * confirmation, or the error that `publish` would have thrown.
   */
  publishEach(messages: readonly Outgoing[]): Promise<(PubAck | Error)[]> {
    if (messages.length === 0) return Promise.resolve([]);
    return new Promise((done) => {
      const outcomes = Array.from<PubAck | Error>({ length: messages.length });
      let open = messages.length;
      const settle = (at: number, outcome: PubAck | Error): void => {
        outcomes[at] = outcome;
        open -= 1;
        if (open === 0) done(outcomes);
      };
      messages.forEach((message, at) => this.take([message], (outcome) => settle(at, outcome instanceof Error ? outcome : (outcome[0] as PubAck))));
    });
  }

  /** The subject is near its cap: no batch may cross it. */
  keepApart(subject: string, forMs = APART_FOR_MS): void {
    if (this.apart.size >= APART_MAX) this.apart.clear();
    this.apart.set(subject, performance.now() + forMs);
  }

  /**
   * Repeats until it is stored or certainly refused. For what has a message id, or whose readers are idempotent.
   * @param stillWanted asked before each repetition: false gives up
   * @throws PublishRefused | Stopped
   */
  async persist(subject: string, headers: HeaderPairs, data: Uint8Array, stillWanted: () => boolean = () => true): Promise<PubAck> {
    for (let failures = 0; ; failures += 1) {
      try {
        return await this.publish(subject, headers, data);
      } catch (error) {
        if (!isPassing(error)) throw error;
        await backOff(failures);
        if (!stillWanted()) throw new Stopped(`publishing to ${subject}`);
      }
    }
  }

  private enqueue(messages: readonly Outgoing[]): Promise<PubAck[]> {
    return new Promise((resolve, reject) => this.take(messages, (outcome) => (outcome instanceof Error ? reject(outcome) : resolve(outcome))));
  }

  private take(messages: readonly Outgoing[], settle: (outcome: PubAck[] | Error) => void): void {
    let bytes = 0;
    for (const message of messages) bytes += message.data.length;
    const refusal = this.refusalOf(messages, bytes);
    if (refusal) return settle(refusal);
    this.queuedMessages += messages.length;
    this.queuedBytes += bytes;
    this.untaken += messages.length;
    this.untakenBytes += bytes;
    this.queue.push(new Queued(messages, bytes, settle, this.forget));
    this.poke();
  }

  private refusalOf(messages: readonly Outgoing[], bytes: number): Error | undefined {
    if (!this.broker.connected) return new BrokerAway(`a message to ${this.stream}`);
    if (this.queuedMessages + messages.length > this.maxWaiting || this.queuedBytes + bytes > this.maxWaitingBytes) return new PublisherSaturated(this.stream, this.queuedMessages);
    return this.tooLarge(messages) ?? this.standingRefusal(messages);
  }

  /** Refused here, before it is sent: the client throws at such a message, and in a batch that would be everybody's error. */
  private tooLarge(messages: readonly Outgoing[]): PublishRefused | undefined {
    const bytesMax = this.broker.nc.info?.max_payload;
    if (bytesMax === undefined) return undefined;
    const refused = messages.find(({ headers, data }) => !headersFit(headers, bytesMax - data.length - BATCH_HEADER_BYTES));
    return refused && new PublishRefused(this.stream, refused.subject, TOO_LARGE, `${refused.data.length} bytes and its headers are more than the broker's max_payload of ${bytesMax}`);
  }

  private standingRefusal(messages: readonly Outgoing[]): PublishRefused | undefined {
    if (this.full.size === 0) return undefined;
    const now = performance.now();
    for (const [subject, { until }] of this.full) if (until <= now) this.full.delete(subject);
    return messages.map(({ subject }) => this.full.get(subject)?.refusal).find((refusal) => refusal !== undefined);
  }

  private poke(): void {
    if (this.poked || this.queue.length === 0 || this.flying >= GROUPS_IN_FLIGHT || this.lingering.holds(this.untaken, this.untakenBytes >= this.maxGroupBytes)) return;
    this.poked = true;
    setImmediate(() => {
      this.poked = false;
      if (this.flying < GROUPS_IN_FLIGHT) void this.send(this.takeGroup());
      this.poke();
    });
  }

  private takeGroup(): Unit[] {
    const bytesMax = Math.min(GROUP_BYTES, Math.max(this.maxGroupBytes, this.untakenBytes / GROUPS_OF_A_QUEUE));
    let count = 0;
    let bytes = 0;
    let units = 0;
    for (const unit of this.queue) {
      if (units > 0 && (count + unit.messages.length > this.maxGroup || bytes + unit.bytes > bytesMax)) break;
      count += unit.messages.length;
      bytes += unit.bytes;
      units += 1;
    }
    this.untaken -= count;
    this.untakenBytes -= bytes;
    this.lingering.taken();
    return this.queue.splice(0, units);
  }

  private async send(group: Unit[]): Promise<void> {
    const fresh = group.filter((unit) => !this.isStale(unit));
    if (fresh.length === 0) return this.poke();
    this.flying += 1;
    try {
      const [apart, together] = this.split(this.bind(fresh));
      const batched = sizeOf(together) <= FEW ? together.map((unit) => this.sendSingles(unit)) : [this.sendBatch(together)];
      await Promise.all([...apart.map((unit) => this.sendSingles(unit)), ...batched]);
    } finally {
      this.flying -= 1;
      this.poke();
    }
  }

  private bind(group: Unit[]): Unit[] {
    if (!this.pages) return group;
    const bytesMax = Math.min(PAGE_BYTES, (this.broker.nc.info?.max_payload ?? PAGE_BYTES) - 2 * BATCH_HEADER_BYTES);
    const bound = bindPages(group, this.pages, bytesMax);
    // none: what there was could not be written down, and says nothing of pages
    if (bound.length > 0) this.perStored += WEIGHT_OF_A_GROUP * (sizeOf(group) / sizeOf(bound) - this.perStored);
    return bound;
  }

  private split(group: Unit[]): [apart: Unit[], together: Unit[]] {
    if (this.apart.size === 0) return [[], group];
    const now = performance.now();
    for (const [subject, until] of this.apart) if (until <= now) this.apart.delete(subject);
    const isApart = ({ messages }: Unit): boolean => messages.some(({ subject }) => this.apart.has(subject));
    return [group.filter(isApart), group.filter((unit) => !isApart(unit))];
  }

  /** What has waited as long as an answer may take was never sent; a caller is better told so than kept. */
  private isStale(unit: Unit): boolean {
    if (this.broker.connected && performance.now() - unit.since <= this.timeoutMs) return false;
    unit.reject(new BrokerAway(`a message to ${this.stream}`));
    return true;
  }

  private async sendSingles(unit: Unit): Promise<void> {
    try {
      unit.resolve(await Promise.all(unit.messages.map((message) => this.single(message))));
    } catch (error) {
      this.remember(error);
      unit.reject(error as Error);
    }
  }

  private async single({ subject, headers, data }: Outgoing): Promise<PubAck> {
    const answer = this.request(subject, encodeHeaders(headers), data);
    const ack = this.read(await answer, subject);
    return { seq: ack.seq ?? 0, duplicate: ack.duplicate === true };
  }

  private async sendBatch(group: Unit[]): Promise<void> {
    try {
      const acks = await this.batch(group.flatMap((unit) => unit.messages));
      let at = 0;
      for (const unit of group) unit.resolve(acks.slice(at, (at += unit.messages.length)));
    } catch (error) {
      if (error instanceof PublishRefused) return this.sendApart(group, error);
      if (error instanceof OutcomeUnknown && this.isCapped) for (const { messages } of group) for (const { subject } of messages) this.keepApart(subject);
      for (const unit of group) unit.reject(error as Error);
    }
  }

  /**
   * A batch is all or nothing: one known id (10201) or one full subject (10077) refuses it whole. Tens, then each by itself: with one duplicate
   * in 200 singles alone would fall from 21.5 k/s to 2.0 k/s. A full stream is full for all of them.
   */
  private async sendApart(group: Unit[], refusal: PublishRefused): Promise<void> {
    if (refusal.kind === 'stream_full' || refusal.kind === 'storage_full') return group.forEach((unit) => unit.reject(refusal));
    if (refusal.kind === 'busy') await backOff(0);
    if (group.length === 1) return this.sendAlone(group[0] as Unit, refusal);
    if (sizeOf(group) <= TENS) {
      await Promise.all(group.map((unit) => this.sendAlone(unit, refusal)));
      return;
    }
    for (const part of tens(group)) {
      // a broker that fell silent in between must not cost each part its own timeout, one after the other
      const inTime = part.filter((unit) => !this.isStale(unit));
      if (inTime.length > 0) await this.sendBatch(inTime);
    }
  }

  /** A unit of one is a plain publish; a unit of several holds an id that is known, so its parts are told one by one, or it stays refused. */
  private async sendAlone(unit: Unit, refusal: PublishRefused): Promise<void> {
    if (unit.messages.length === 1 || refusal.kind === 'duplicate_in_batch') return this.sendSingles(unit);
    try {
      unit.resolve(await this.batch(unit.messages));
    } catch (error) {
      if (error instanceof PublishRefused && error.kind === 'duplicate_in_batch') await this.sendSingles(unit);
      else unit.reject(error as Error);
    }
  }

  /** ADR-50 of NATS: `Nats-Batch-Sequence` from 1, the last one asks for the commit and gets the only answer. */
  private async batch(messages: readonly Outgoing[]): Promise<PubAck[]> {
    const id = nuid.next();
    const last = messages.length - 1;
    for (let i = 0; i < last; i += 1) {
      const { subject, headers, data } = messages[i] as Outgoing;
      this.broker.nc.publish(subject, data, { headers: asMsgHdrs(encodeHeaders([...headers, ['Nats-Batch-Id', id], ['Nats-Batch-Sequence', String(i + 1)]])) });
    }
    const { subject, headers, data } = messages[last] as Outgoing;
    const commit = encodeHeaders([...headers, ['Nats-Batch-Id', id], ['Nats-Batch-Sequence', String(messages.length)], ['Nats-Batch-Commit', '1']]);
    const ack = this.read(await this.request(subject, commit, data), subject);
    const first = (ack.seq ?? 0) - last;
    return messages.map((_, i) => ({ seq: first + i, duplicate: false }));
  }

  private request(subject: string, headers: Uint8Array, data: Uint8Array): Promise<Msg> {
    const what = `a message to ${this.stream}`;
    if (!this.broker.connected) return Promise.reject(new BrokerAway(what));
    return this.broker.replies.ask(what, this.timeoutMs, (reply) => this.broker.nc.publish(subject, data, { headers: asMsgHdrs(headers), reply }));
  }

  private read(answer: Msg, subject: string): WireAck {
    const ack = answer.json<WireAck>();
    if (ack.error) throw new PublishRefused(this.stream, subject, ack.error.err_code ?? ack.error.code, ack.error.description ?? 'no description');
    return ack;
  }

  /** Only the answer to a single says whose subject is full. */
  private remember(error: unknown): void {
    if (error instanceof PublishRefused && error.kind === 'subject_full') this.full.set(error.subject, { until: performance.now() + FULL_FOR_MS, refusal: error });
  }
}

const sizeOf = (group: readonly Unit[]): number => group.reduce((sum, unit) => sum + unit.messages.length, 0);

/** Parts of about ten messages; a unit of several is never cut. */
const tens = (group: readonly Unit[]): Unit[][] => {
  const parts: Unit[][] = [];
  let part: Unit[] = [];
  for (const unit of group) {
    if (part.length > 0 && sizeOf(part) + unit.messages.length > TENS) {
      parts.push(part);
      part = [];
    }
    part.push(unit);
  }
  return [...parts, part];
};
