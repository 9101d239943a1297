import { MARKER_KEY, type BucketName } from '@spillway/topology';
import type { Logger } from '@spillway/telemetry';
import { backOff } from './backoff.ts';
import type { Broker } from './broker.ts';
import { watchBucket, type BucketWatch, type Change } from './bucket-watch.ts';
import { BrokerAway, BrokerRefused, PublishRefused, RevisionConflict } from './errors.ts';
import { asMsgHdrs, encodeHeaders } from './raw-headers.ts';

export type Entry = { value: string; revision: number };
export type BucketState = { ready: boolean; why?: string };

type BucketInfo = { created: string; state: { last_seq: number; messages: number } };
type StoredEntry = { message: { data?: string; seq: number; hdrs?: string } };
type WriteAck = { seq?: number; error?: { code: number; err_code?: number; description?: string } };

/** How often the bucket is compared with what we hold of it. */
const INSPECT_EVERY_MS = 1_000;
/** A change arrives within milliseconds. */
const SILENT_AFTER_MS = 3_000;
const NO_SUCH_MESSAGE = 10037;
const WRONG_LAST_SEQUENCE = 10071;

const isRemoval = ({ hdrs }: StoredEntry['message']): boolean => hdrs !== undefined && /KV-Operation: (DEL|PURGE)/.test(Buffer.from(hdrs, 'base64').toString('utf8'));

/**
 * A key-value bucket, whole in memory and kept current by a watch. It says itself whether it may be believed: after a start as after a reconnect only
 * once the watch has caught up, never when the bucket lacks its marker or was made again since: from an emptied registry nobody may conclude
 * that an endpoint does not exist.
 */
export class WatchedBucket {
  private readonly held = new Map<string, Entry>();
  private readonly listeners: ((key: string, entry: Entry | undefined) => void)[] = [];
  /** Who waits in `caughtUp`. */
  private readonly behind = new Set<() => void>();
  private created: string | undefined;
  private seen = 0;
  private fault: string | undefined = 'the watch is not complete yet';
  private closed = false;
  private watch: BucketWatch | undefined;
  /** Since when the server has had what the watch has not brought (monotonic ms). */
  private behindSince: number | undefined;
  private readonly inspecting: NodeJS.Timeout;
  private readonly unlisten: () => void;

  private constructor(
    private readonly broker: Broker,
    readonly bucket: BucketName,
    private readonly log: Logger,
    pin: string | undefined,
    private readonly keep: (key: string) => boolean,
  ) {
    this.created = pin;
    this.unlisten = broker.onConnection((up) => this.onConnection(up));
    this.inspecting = setInterval(() => void this.inspect(), INSPECT_EVERY_MS);
    this.inspecting.unref();
  }

  /**
   * @param pin the bucket's creation time as provisioning noted it; without one the first seen counts
   * @param keep which keys are held in memory, and told of; by default all
   * @throws BrokerRefused when there is no such bucket: provisioning makes it
   */
  static async open(broker: Broker, bucket: BucketName, { log, pin, keep = () => true }: { log: Logger; pin?: string | undefined; keep?: (key: string) => boolean }): Promise<WatchedBucket> {
    await broker.api(`STREAM.INFO.KV_${bucket}`);
    const watched = new WatchedBucket(broker, bucket, log, pin, keep);
    void watched.follow();
    await watched.inspect();
    return watched;
  }

  get state(): BucketState {
    return this.fault === undefined ? { ready: true } : { ready: false, why: `${this.bucket}: ${this.fault}` };
  }

  /** @throws Error saying why not, after `timeoutMs` */
  async whenReady(timeoutMs = 30_000): Promise<void> {
    for (const deadline = performance.now() + timeoutMs; this.fault !== undefined; ) {
      if (performance.now() > deadline) throw new Error(`not ready after ${timeoutMs} ms: ${this.state.why ?? ''}`);
      await new Promise((resolve) => setTimeout(resolve, 10));
      await this.inspect();
    }
  }

  get(key: string): Entry | undefined {
    return this.held.get(key);
  }

  get size(): number {
    return this.held.size;
  }

  *entries(prefix = ''): IterableIterator<[string, Entry]> {
    for (const [key, entry] of this.held) if (key.startsWith(prefix) && key !== MARKER_KEY) yield [key, entry];
  }

  /** Told of every entry that is held already, then of each change; `undefined` when a key was removed. */
  onChange(listener: (key: string, entry: Entry | undefined) => void): void {
    this.listeners.push(listener);
    for (const [key, entry] of this.entries()) listener(key, entry);
  }

  /** From the leader, past every cache and follower: for what is concluded from an absence. */
  async read(key: string): Promise<Entry | undefined> {
    const message = await this.lastMessage(key);
    return message === undefined || isRemoval(message) ? undefined : { value: Buffer.from(message.data ?? '', 'base64').toString('utf8'), revision: message.seq };
  }

  /** @returns the revision. @throws RevisionConflict when the key exists; PublishRefused when the bucket is full */
  async create(key: string, value: string): Promise<number> {
    try {
      return await this.write(key, value, 0);
    } catch (error) {
      const removed = error instanceof RevisionConflict ? await this.revisionIfRemoved(key) : undefined;
      if (removed === undefined) throw error;
      return this.write(key, value, removed);
    }
  }

  /** @throws RevisionConflict when it was changed since `revision`; PublishRefused when the bucket is full */
  async update(key: string, value: string, revision: number): Promise<number> {
    return this.write(key, value, revision);
  }

  async put(key: string, value: string): Promise<number> {
    return this.write(key, value);
  }

  /** @returns the revision of the removal. @throws RevisionConflict when it was changed since `revision`, if one is given */
  async remove(key: string, revision?: number): Promise<number> {
    return this.write(key, '', revision, 'DEL');
  }

  /** Until the watch has brought the change that got `revision`: so who has written then reads what he wrote. @returns whether it came in time */
  async caughtUp(revision: number, timeoutMs = 2_000): Promise<boolean> {
    if (this.seen >= revision) return true;
    return new Promise((resolve) => {
      const end = (inTime: boolean) => {
        clearTimeout(timer);
        this.behind.delete(look);
        resolve(inTime);
      };
      const look = () => this.seen >= revision && end(true);
      const timer = setTimeout(() => end(false), timeoutMs);
      this.behind.add(look);
    });
  }

  close(): void {
    this.closed = true;
    clearInterval(this.inspecting);
    this.unlisten();
    this.watch?.stop();
  }

  private subjectOf(key: string): string {
    return `$KV.${this.bucket}.${key}`;
  }

  private async write(key: string, value: string, expected?: number, operation?: 'DEL'): Promise<number> {
    const headers: [string, string][] = [];
    if (expected !== undefined) headers.push(['Nats-Expected-Last-Subject-Sequence', String(expected)]);
    if (operation !== undefined) headers.push(['KV-Operation', operation]);
    const what = `a change of ${this.bucket} ${key}`;
    if (!this.broker.connected) throw new BrokerAway(what);
    const { reply, answer } = this.broker.replies.expect(what, 5_000);
    this.broker.nc.publish(this.subjectOf(key), Buffer.from(value), { reply, headers: asMsgHdrs(encodeHeaders(headers)) });
    const ack = (await answer).json<WriteAck>();
    if (ack.error?.err_code === WRONG_LAST_SEQUENCE) throw new RevisionConflict(this.bucket, key);
    if (ack.error) throw new PublishRefused(`KV_${this.bucket}`, key, ack.error.err_code ?? ack.error.code, ack.error.description ?? 'no description');
    return ack.seq ?? 0;
  }

  /** A removed key leaves a marker behind, and creating it again is an update of that. */
  private async revisionIfRemoved(key: string): Promise<number | undefined> {
    const message = await this.lastMessage(key);
    return message !== undefined && isRemoval(message) ? message.seq : undefined;
  }

  private async lastMessage(key: string): Promise<StoredEntry['message'] | undefined> {
    try {
      return (await this.broker.api<StoredEntry>(`STREAM.MSG.GET.KV_${this.bucket}`, { last_by_subj: this.subjectOf(key) })).message;
    } catch (error) {
      if (error instanceof BrokerRefused && error.errCode === NO_SUCH_MESSAGE) return undefined;
      throw error;
    }
  }

  /** For ever: a watch that ends, or is ended, is opened again where it was. */
  private async follow(): Promise<void> {
    for (let failures = 0; !this.closed; failures += 1) {
      try {
        this.watch = await watchBucket(this.broker, this.bucket, this.seen);
        failures = 0;
        if (this.closed) this.watch.stop();
        for await (const change of this.watch.changes) this.take(change);
      } catch (error) {
        if (this.broker.connected) this.log.warn({ err: error, bucket: this.bucket }, 'watch ended, opening it again');
      }
      if (!this.closed) await backOff(Math.min(failures, 3)); // whoever waits for us after a restart takes nothing: half a second at most
    }
  }

  private take({ key, value, revision }: Change): void {
    this.seen = Math.max(this.seen, revision);
    this.behindSince = undefined;
    if (key === MARKER_KEY || this.keep(key)) this.hold(key, value === undefined ? undefined : { value, revision });
    for (const look of this.behind) look();
  }

  private hold(key: string, entry: Entry | undefined): void {
    if (entry) this.held.set(key, entry);
    else this.held.delete(key);
    if (key !== MARKER_KEY) for (const listener of this.listeners) listener(key, entry);
  }

  private onConnection(up: boolean): void {
    if (!up) return this.change('the broker is not connected');
    this.watch?.stop(); // a server that was started again has forgotten it
    void this.inspect();
  }

  /** The server may lose a watch without a word to us (its node died, somebody deleted it). */
  private reopenIfSilent(lastRevision: number): void {
    if (lastRevision <= this.seen) this.behindSince = undefined;
    else this.behindSince ??= performance.now();
    if (this.behindSince === undefined || performance.now() - this.behindSince < SILENT_AFTER_MS) return;
    this.behindSince = undefined;
    this.watch?.stop();
  }

  /** Compares what the server has with what we hold. Asked for at start, at a reconnect, and every second. */
  private async inspect(): Promise<void> {
    if (this.closed || !this.broker.connected) return;
    try {
      const info = await this.broker.api<BucketInfo>(`STREAM.INFO.KV_${this.bucket}`);
      this.created ??= info.created;
      this.change(this.judge(info));
      this.reopenIfSilent(info.state.last_seq);
    } catch (error) {
      if (error instanceof BrokerRefused) this.change('the bucket is gone');
      // no answer decides nothing: what was true a second ago stands, and a lost connection says so itself
    }
  }

  private judge(info: BucketInfo): string | undefined {
    if (info.created !== this.created) return `the bucket was made again at ${info.created} (known: ${this.created ?? 'none'})`;
    // while we are behind after a (re)connect nothing may be concluded; later changes arrive within milliseconds and do not make us unready
    if (this.fault !== undefined && this.seen < info.state.last_seq) return 'the watch is not complete yet';
    // a purge is told to no watch; every key that we hold has at least one message
    if (info.state.messages < this.held.size) return `it holds ${info.state.messages} messages, and we know ${this.held.size} keys: it was emptied`;
    if (!this.held.has(MARKER_KEY)) return 'the bucket has no marker: it was emptied, or made by a stranger';
    return undefined;
  }

  private change(fault: string | undefined): void {
    if (fault === this.fault) return;
    this.fault = fault;
    if (fault === undefined) this.log.info({ bucket: this.bucket, keys: this.held.size }, 'bucket is complete');
    else this.log.error({ bucket: this.bucket, why: fault }, 'bucket is not to be believed');
  }
}
