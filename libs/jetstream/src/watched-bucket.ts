import { MARKER_KEY, type BucketName } from '@spillway/topology';
import type { Logger } from '@spillway/telemetry';
import { backOff } from './backoff.ts';
import type { Broker } from './broker.ts';
import { BucketKeys, type Entry } from './bucket-keys.ts';
import { watchBucket, type BucketWatch, type Change } from './bucket-watch.ts';
import { BrokerRefused, Stopped } from './errors.ts';
import { isPageKey } from './page-key.ts';
import { isSuspectKey } from './suspect-key.ts';

export type { Entry } from './bucket-keys.ts';
export type BucketState = { ready: boolean; why?: string };

type BucketInfo = { created: string; state: { last_seq: number; messages: number } };

/** How often the bucket is compared with what we hold of it. */
const INSPECT_EVERY_MS = 1_000;
/** A change arrives within milliseconds. */
const SILENT_AFTER_MS = 3_000;

/**
 * A key-value bucket, whole in memory and kept current by a watch. It says itself whether it may be believed: after a start as after a reconnect only
 * once the watch has caught up, never when the bucket lacks its marker or was made again since: from an emptied registry nobody may conclude
 * that an endpoint does not exist.
 */
export class WatchedBucket {
  private readonly keys: BucketKeys;
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
    this.keys = new BucketKeys(broker, bucket);
    this.created = pin;
    this.unlisten = broker.onConnection((up) => this.onConnection(up));
    this.inspecting = setInterval(() => void this.inspect(), INSPECT_EVERY_MS);
    this.inspecting.unref();
  }

  /**
   * @param pin the bucket's creation time as provisioning noted it; without one the first seen counts
   * @param keep which keys are held in memory, and told of; by default all but those of suspects and pages, which come and go, and are purged behind
   * @throws BrokerRefused when there is no such bucket: provisioning makes it
   */
  static async open(broker: Broker, bucket: BucketName, { log, pin, keep = (key) => !isSuspectKey(key) && !isPageKey(key) }: { log: Logger; pin?: string | undefined; keep?: (key: string) => boolean }): Promise<WatchedBucket> {
    await broker.api(`STREAM.INFO.KV_${bucket}`);
    const watched = new WatchedBucket(broker, bucket, log, pin, keep);
    void watched.follow();
    await watched.inspect();
    return watched;
  }

  get state(): BucketState {
    return this.fault === undefined ? { ready: true } : { ready: false, why: `${this.bucket}: ${this.fault}` };
  }

  /** @throws Error saying why not, after `timeoutMs`; Stopped as soon as it is closed */
  async whenReady(timeoutMs = 30_000): Promise<void> {
    for (const deadline = performance.now() + timeoutMs; this.fault !== undefined; ) {
      if (this.closed) throw new Stopped(`waiting for ${this.bucket}`);
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
  read(key: string): Promise<Entry | undefined> {
    return this.keys.read(key);
  }

  /** @returns the revision. @throws RevisionConflict when the key exists; PublishRefused when the bucket is full */
  create(key: string, value: string): Promise<number> {
    return this.keys.create(key, value);
  }

  /** @throws RevisionConflict when it was changed since `revision`; PublishRefused when the bucket is full */
  update(key: string, value: string, revision: number): Promise<number> {
    return this.keys.update(key, value, revision);
  }

  put(key: string, value: string): Promise<number> {
    return this.keys.put(key, value);
  }

  /** @returns the revision of the removal. @throws RevisionConflict when it was changed since `revision`, if one is given */
  remove(key: string, revision?: number): Promise<number> {
    return this.keys.remove(key, revision);
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
