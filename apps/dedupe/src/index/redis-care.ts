import { withinMs } from '@spillway/jetstream';
import type { Logger } from '@spillway/telemetry';
import type { Redis } from 'ioredis';
import { Breaker } from './breaker.ts';
import type { IndexState } from './dedupe-index.ts';
import { printMark, printOrigin } from './mark.ts';
import type { Postponed, PostponedClaims } from './postponed.ts';
import { faultOf, remedyOf } from './redis-fault.ts';
import { readVitals, warningOf, type RedisVitals } from './redis-vitals.ts';
import { GIVE_UP } from './scripts.ts';

/** Between well and not well. `passed`: events that went on unchecked in between. */
export type IndexChange = { state: IndexState; degradedMs: number; passed: number };

export type CareOptions = {
  /** How long an event waits for an answer. */
  deadlineMs: number;
  postponed: PostponedClaims;
  /** Events that went on unchecked, ever. */
  passed: () => number;
  log: Logger;
};

const LOOK_EVERY_MS = 500;
const VITALS_EVERY_MS = 15_000;
const PROBE_KEY = 'probe';
const PROBE_KEPT_MS = 60_000;
/** Postponed claims go out in slices, beside the events: nobody waits for them. */
const SLICE = 500;
const SLICES_AT_ONCE = 200;
const SLICE_WITHIN_MS = 2_000;

/** Knows whether the Redis may be asked, finds out when it is well again, and then tells it what it missed. */
export class RedisCare {
  vitals: RedisVitals | undefined;
  private readonly breaker = new Breaker();
  private readonly looking: NodeJS.Timeout;
  private readonly listeners: ((change: IndexChange) => void)[] = [];
  private lastError = new Error('not connected yet');
  private busy = false;
  private passedBefore = 0;
  private vitalsAt = Number.NEGATIVE_INFINITY;
  private warned = false;

  constructor(
    private readonly redis: Redis,
    private readonly options: CareOptions,
  ) {
    redis.on('error', (error: Error) => (this.lastError = error));
    redis.on('ready', () => (this.lastError = new Error('the connection was lost')));
    this.looking = setInterval(() => void this.look(), LOOK_EVERY_MS);
    this.looking.unref();
  }

  get state(): IndexState {
    const { state } = this.breaker;
    return state.open ? { ok: false, fault: state.fault, why: state.detail, sinceMs: state.sinceMs } : { ok: true };
  }

  /** Told at once when it is not well. */
  onChange(listener: (change: IndexChange) => void): void {
    this.listeners.push(listener);
    if (!this.state.ok) listener({ state: this.state, degradedMs: 0, passed: 0 });
  }

  mayAsk(): boolean {
    if (this.breaker.state.open) return false;
    if (this.redis.status === 'ready') return true;
    this.failed(this.lastError);
    return false;
  }

  answered(): void {
    this.breaker.answered();
  }

  late(): void {
    const { deadlineMs } = this.options;
    if (this.breaker.failed('slow', `no answer within ${deadlineMs} ms`, Date.now())) this.degraded();
  }

  failed(error: Error): void {
    if (this.breaker.failed(faultOf(error), error.message, Date.now())) this.degraded();
  }

  /** It has not connected in time. */
  notConnected(): void {
    this.failed(this.lastError);
  }

  /** `undefined`: not answered in time, or refused; either is noted. */
  async tell<T>(answer: Promise<T>, deadlineMs = this.options.deadlineMs): Promise<T | undefined> {
    try {
      const said = await withinMs(answer, deadlineMs);
      if (said === undefined) this.late();
      return said;
    } catch (error) {
      this.failed(error as Error);
      return undefined;
    }
  }

  close(): void {
    clearInterval(this.looking);
  }

  private degraded(): void {
    const { state } = this;
    this.passedBefore = this.options.passed();
    this.options.log.error({ fault: state.fault, why: state.why, remediation: state.fault && remedyOf(state.fault) }, 'dedupe does without its Redis: events pass, recent ids and JetStream’s window are left');
    this.change({ state, degradedMs: 0, passed: 0 });
  }

  private restored(): void {
    const degradedMs = Date.now() - (this.state.sinceMs ?? Date.now());
    const passed = this.options.passed() - this.passedBefore;
    this.breaker.close(Date.now());
    this.options.log.info({ degradedMs, passed, forgotten: this.options.postponed.dropped }, 'dedupe’s Redis is of use again');
    this.change({ state: this.state, degradedMs, passed });
  }

  private change(change: IndexChange): void {
    for (const listener of this.listeners) listener(change);
  }

  /** Now and then, one at a time: is it well again, what was it not told, how is it? */
  private async look(): Promise<void> {
    if (this.busy) return;
    if (this.redis.status !== 'ready') {
      // one that was slow and is gone now is to be named for what it is now
      if (this.breaker.state.open) this.failed(this.lastError);
      return;
    }
    this.busy = true;
    try {
      if (!this.breaker.state.open) await this.whileWell();
      else if ((await this.probe()) && this.breaker.looksGood() && (await this.tellPostponed())) this.restored();
    } finally {
      this.busy = false;
    }
  }

  private async whileWell(): Promise<void> {
    await this.tellPostponed();
    if (performance.now() - this.vitalsAt < VITALS_EVERY_MS) return;
    this.vitalsAt = performance.now();
    const info = await this.tell(this.redis.info(), SLICE_WITHIN_MS);
    if (info === undefined) return;
    this.vitals = readVitals(info);
    const warning = warningOf(this.vitals);
    if (warning !== undefined && !this.warned) this.options.log.warn({ warning }, 'dedupe’s Redis is not set up as it should be');
    this.warned = warning !== undefined;
  }

  /** By writing, in the time that an event has: a full one, a replica and a slow one all answer PING. */
  private async probe(): Promise<boolean> {
    return (await this.tell(this.redis.set(PROBE_KEY, '1', 'PX', PROBE_KEPT_MS))) !== undefined;
  }

  /** @returns whether it was all told, or so much that the rest can follow */
  private async tellPostponed(): Promise<boolean> {
    const { postponed } = this.options;
    for (let slices = 0; slices < SLICES_AT_ONCE && postponed.size > 0; slices += 1) {
      const slice = postponed.take(SLICE);
      if (await this.tellSlice(slice)) continue;
      postponed.putBack(slice);
      return false;
    }
    return true;
  }

  private async tellSlice(slice: readonly Postponed[]): Promise<boolean> {
    const pipeline = this.redis.pipeline();
    const now = performance.now();
    for (const { claim, giveUp, sinceMs } of slice) {
      const leftMs = Math.ceil(claim.windowMs - (now - sinceMs));
      if (giveUp) pipeline.eval(GIVE_UP, 1, claim.key, printOrigin(claim.mark));
      else if (leftMs > 0) pipeline.call('SET', claim.key, printMark(claim.mark), 'NX', 'PX', leftMs);
    }
    const replies = await this.tell(pipeline.exec(), SLICE_WITHIN_MS);
    const failure = replies?.find(([error]) => error)?.[0];
    if (failure) this.failed(failure);
    return Array.isArray(replies) && !failure;
  }
}
