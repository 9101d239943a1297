import { isPassing, RevisionConflict, type WatchedBucket } from '@spillway/jetstream';
import type { Logger } from '@spillway/telemetry';
import { shardOf, subject } from '@spillway/topology';
import { readHead, headKey, type Head } from './head.ts';

export type OrderedHeadsOptions = {
  bucket: Pick<WatchedBucket, 'read' | 'create' | 'update' | 'remove'>;
  /** Times in keys are the broker's, 0 while it is not known. */
  brokerNowMs: () => number;
  /** What was left of this subject is looked at again, from its beginning. */
  readAgain: (subject: string) => void;
  log: Logger;
  clock?: () => number;
};

/** Answers of `take`: work it, as the attempt of this number; it is the head, and its time has not come; or it is not the head. Both of these are left where they are. */
export type Taken = { attempt: number } | 'not due' | 'stray';

type Known = { head: Head | undefined; revision: number };
/** `dueMs` by the broker's clock, `pauseMs` by ours. */
type Until = { dueMs: number; pauseMs: number };
type Working = { is: 'working'; until?: Until } & Known;
type State = ({ is: 'ready' } & Known) | Working | ({ is: 'waiting'; until: Until } & Known) | { is: 'loading' };

/** What came back without an outcome is looked at again after this, as it is when the owner crashes. */
const LEFT_FOR_MS = 5_000;
const PAUSE_MS = 1_000;
const REPEAT_MS = 250;

/**
 * The heads of ordered endpoints' subjects in PARKED. Only the first message of such a subject is worked; it stays until it has ended. The number and the due
 * time of its next attempt are a key, so that they outlive their owner. Plain memory besides, forgotten when a shard is won: another owner may have gone on.
 */
export class OrderedHeads {
  private readonly states = new Map<string, State>();
  private readonly waiting = new Set<string>();
  /** Endpoints of which something was turned away that was not the head. */
  private readonly strays = new Set<string>();
  private readonly clock: () => number;

  constructor(private readonly options: OrderedHeadsOptions) {
    this.clock = options.clock ?? (() => performance.now());
  }

  /** What was known of this shard's endpoints may be old. */
  forget(shard: number): void {
    for (const endpointId of this.states.keys()) if (shardOf(endpointId) === shard) this.drop(endpointId);
  }

  /**
   * The attempt that the next message would be read for; 0 while nothing may be read.
   * @param held how many of the subject are in hand
   */
  next(endpointId: string, held: number): number {
    const state = this.states.get(endpointId);
    if (state === undefined) void this.load(endpointId);
    // it came back without a word: whoever worked it crashed
    if (state?.is === 'working' && held === 0) this.wait(endpointId, state, { dueMs: 0, pauseMs: this.clock() + LEFT_FOR_MS });
    return state?.is === 'ready' && held === 0 ? (state.head?.attempt ?? 1) : 0;
  }

  /** The first of the subject was read, or what is believed to be. */
  take(endpointId: string, origin: string): Taken {
    const state = this.states.get(endpointId);
    if (state?.is !== 'ready') {
      this.strays.add(endpointId);
      return 'stray';
    }
    // of another origin: that one has ended
    const head = state.head?.origin === origin ? state.head : undefined;
    const dueMs = head === undefined ? 0 : Date.parse(head.dueAt);
    const isDue = this.isPast(dueMs);
    this.states.set(endpointId, { is: 'working', head, revision: state.revision, ...(!isDue && { until: { dueMs, pauseMs: 0 } }) });
    return isDue ? { attempt: head?.attempt ?? 1 } : 'not due';
  }

  /** The endpoint is ordered no more: what was its head keeps its number. */
  release(endpointId: string, origin: string): number | undefined {
    const state = this.states.get(endpointId);
    const head = state !== undefined && state.is !== 'loading' && state.head?.origin === origin ? state.head : undefined;
    if (head) this.drop(endpointId);
    return head?.attempt;
  }

  /**
   * It failed, and is to be attempted again in place. Resolves when that is on disk.
   * @param stillOurs asked before each repetition @returns false when it is not ours to say any more
   */
  async hold(endpointId: string, head: Head, stillOurs: () => boolean): Promise<boolean> {
    const state = this.states.get(endpointId);
    if (state?.is !== 'working') return false;
    const revision = await this.write(endpointId, head, state.revision, stillOurs);
    if (revision === undefined || this.states.get(endpointId) !== state) return false;
    this.states.set(endpointId, { is: 'working', head, revision, until: { dueMs: Date.parse(head.dueAt), pauseMs: 0 } });
    return true;
  }

  /** Said as the last thing before it is left where it is: until it is due, or, where nothing was decided (suspended, throttled, no slot), for a moment. */
  left(endpointId: string): void {
    const state = this.states.get(endpointId);
    if (state?.is === 'working') this.wait(endpointId, state, state.until ?? { dueMs: 0, pauseMs: this.clock() + PAUSE_MS });
  }

  /** It is removed: the next one is the first. */
  ended(endpointId: string): void {
    const state = this.states.get(endpointId);
    if (state?.is !== 'working') return;
    if (state.head) this.removeKey(endpointId, state.revision);
    this.states.set(endpointId, { is: 'ready', head: undefined, revision: state.head ? 0 : state.revision });
    if (this.strays.delete(endpointId)) this.options.readAgain(subjectOf(endpointId));
  }

  /** Called ten times a second: heads whose time has come. @param isOrdered whether the endpoint still is */
  beat(isOrdered: (endpointId: string) => boolean): void {
    for (const endpointId of this.waiting) {
      const state = this.states.get(endpointId);
      if (state?.is !== 'waiting') continue;
      const { dueMs, pauseMs } = state.until;
      if (isOrdered(endpointId) && !(this.isPast(dueMs) && this.clock() >= pauseMs)) continue;
      this.waiting.delete(endpointId);
      this.states.set(endpointId, { is: 'ready', head: state.head, revision: state.revision });
      this.options.readAgain(subjectOf(endpointId));
    }
  }

  private drop(endpointId: string): void {
    this.states.delete(endpointId);
    this.waiting.delete(endpointId);
    this.strays.delete(endpointId);
  }

  private wait(endpointId: string, { head, revision }: Known, until: Until): void {
    this.states.set(endpointId, { is: 'waiting', head, revision, until });
    this.waiting.add(endpointId);
  }

  private isPast(dueMs: number): boolean {
    const nowMs = this.options.brokerNowMs();
    return dueMs === 0 || (nowMs > 0 && nowMs >= dueMs);
  }

  private async load(endpointId: string): Promise<void> {
    const loading: State = { is: 'loading' };
    this.states.set(endpointId, loading);
    try {
      const entry = await this.options.bucket.read(headKey(endpointId));
      if (this.states.get(endpointId) !== loading) return;
      this.states.set(endpointId, { is: 'ready', head: entry && readHead(entry.value), revision: entry?.revision ?? 0 });
      this.options.readAgain(subjectOf(endpointId));
    } catch (error) {
      if (this.states.get(endpointId) === loading) this.drop(endpointId); // asked for again, with the next look at the subject
      if (!isPassing(error)) this.options.log.error({ err: error, endpoint: endpointId }, 'the head of an ordered endpoint cannot be looked up');
    }
  }

  private async write(endpointId: string, head: Head, known: number, stillOurs: () => boolean): Promise<number | undefined> {
    const { bucket, log } = this.options;
    const [key, value] = [headKey(endpointId), JSON.stringify(head)];
    for (let revision = known; stillOurs(); ) {
      try {
        return revision === 0 ? await bucket.create(key, value) : await bucket.update(key, value, revision);
      } catch (error) {
        if (error instanceof RevisionConflict) {
          // an answer that was lost, or a predecessor's last word: the lease says whose word counts
          const entry = await bucket.read(key).catch(() => undefined);
          if (entry?.value === value) return entry.revision;
          revision = entry?.revision ?? 0;
        } else if (!isPassing(error)) log.error({ err: error, endpoint: endpointId }, 'the head of an ordered endpoint cannot be written, and is tried again');
      }
      await new Promise((resolve) => setTimeout(resolve, REPEAT_MS));
    }
    return undefined;
  }

  private removeKey(endpointId: string, revision: number): void {
    // what stays behind names a message that is gone, and is believed by nobody
    this.options.bucket.remove(headKey(endpointId), revision).catch((error: unknown) => this.options.log.warn({ err: error, endpoint: endpointId }, 'the key of a head that has ended was not removed'));
  }
}

const subjectOf = (endpointId: string): string => subject.parked('first', shardOf(endpointId), endpointId);
