import { withinMs } from '@spillway/jetstream';
import type { Logger } from '@spillway/telemetry';
import type { Redis } from 'ioredis';
import { ClaimGroups, type Found } from './claim-groups.ts';
import type { Answer, DedupeIndex, IndexState, ToClaim } from './dedupe-index.ts';
import { judge } from './judge.ts';
import { printMark, printOrigin, readMark } from './mark.ts';
import { PostponedClaims } from './postponed.ts';
import { RedisCare, type IndexChange } from './redis-care.ts';
import { remedyOf } from './redis-fault.ts';
import { connectRedis } from './redis-link.ts';
import { warningOf, type RedisVitals } from './redis-vitals.ts';
import { GIVE_UP, REPLACE } from './scripts.ts';

export type RedisIndexOptions = {
  url: string;
  windowMs: number;
  /** How long an event waits for an answer. */
  deadlineMs: number;
  log: Logger;
};

/** At the start, so that the first events of a process are checked; then it goes on without. */
const CONNECT_WITHIN_MS = 1_500;
const REPLACE_TRIES = 3;

const FRESH: Answer = { kind: 'mine', repeated: false, again: false };
const UNKNOWN: Answer = { kind: 'unknown' };

/** A Redis that remembers every key for its window. Whatever becomes of it, no event waits longer than the deadline, and none is lost to it. */
export class RedisIndex implements DedupeIndex {
  readonly name = 'redis';
  readonly keepsContent = true;
  readonly windowMs: number;
  readonly counted = { fresh: 0, own: 0, duplicate: 0, again: 0, unchecked: 0 };
  readonly postponed = new PostponedClaims();
  /** Told how long each group took. */
  onGroup: (tookMs: number) => void = () => undefined;
  private readonly care: RedisCare;
  private readonly groups: ClaimGroups;

  private constructor(
    private readonly redis: Redis,
    { windowMs, deadlineMs, log }: RedisIndexOptions,
  ) {
    this.windowMs = windowMs;
    this.care = new RedisCare(redis, { deadlineMs, log, postponed: this.postponed, passed: () => this.counted.unchecked });
    this.groups = new ClaimGroups(redis, deadlineMs, {
      answered: (tookMs) => {
        this.care.answered();
        this.onGroup(tookMs);
      },
      late: () => this.care.late(),
      failed: (error) => this.care.failed(error),
    });
  }

  /** Does not wait for a Redis that is away. */
  static async open(options: RedisIndexOptions): Promise<RedisIndex> {
    const redis = connectRedis(options.url, options.log);
    const index = new RedisIndex(redis, options);
    const ready = new Promise<true>((resolve) => redis.once('ready', () => resolve(true)));
    if (!(await withinMs(ready, CONNECT_WITHIN_MS))) index.care.notConnected();
    return index;
  }

  get state(): IndexState {
    return this.care.state;
  }

  get vitals(): RedisVitals | undefined {
    return this.care.vitals;
  }

  onChange(listener: (change: IndexChange) => void): void {
    this.care.onChange(listener);
  }

  claim(claim: ToClaim): Promise<Answer> | Answer {
    if (!this.care.mayAsk()) return this.pass(claim);
    return new Promise((resolve) => this.groups.ask(claim, (found) => resolve(this.answer(claim, found))));
  }

  async giveUp({ key, mark }: Pick<ToClaim, 'key' | 'mark'>): Promise<void> {
    const done = this.care.mayAsk() && (await this.care.tell(this.redis.eval(GIVE_UP, 1, key, printOrigin(mark)))) !== undefined;
    if (!done) this.postponed.addGivenUp({ key, mark, windowMs: this.windowMs }, performance.now());
  }

  detail(): Record<string, unknown> {
    const { fault, why, sinceMs } = this.state;
    const trouble = fault && { fault, why, since: new Date(sinceMs ?? 0).toISOString(), remediation: remedyOf(fault), meanwhile: 'events pass unchecked; the table of recent ids and JetStream’s own window are left' };
    return { ...trouble, unchecked: this.counted.unchecked, postponed: this.postponed.size, ...(this.vitals && { redis: this.vitals, warning: warningOf(this.vitals) }) };
  }

  async close(): Promise<void> {
    this.care.close();
    this.redis.disconnect();
  }

  private answer(claim: ToClaim, found: Found): Promise<Answer> | Answer {
    if (found === undefined) return this.pass(claim);
    if (found !== null) return this.judge(claim, found);
    this.counted.fresh += 1;
    return FRESH;
  }

  /** It goes on, and its claim is told later, so that at least its repetitions are known then. */
  private pass(claim: ToClaim): Answer {
    this.counted.unchecked += 1;
    this.postponed.add(claim, performance.now());
    return UNKNOWN;
  }

  private async judge(claim: ToClaim, first: string): Promise<Answer> {
    let found: string | null = first;
    for (let tries = 0; tries < REPLACE_TRIES; tries += 1) {
      const mark = readMark(found);
      const judgement = judge(mark, claim.mark, claim.windowMs);
      if (judgement !== 'replace') return this.answerTo(judgement, mark);
      // a mark of another INGEST says nothing of ours; one of this INGEST was accepted too long ago, and the broker's window must not take ours for it
      const again = claim.mark.again || mark?.world === claim.mark.world;
      const now = await this.replace(found, { ...claim, mark: { ...claim.mark, again } });
      if (now === undefined) break;
      if (now === null) return this.answerTo('replace', undefined, again);
      found = now; // somebody was faster
    }
    return this.pass(claim);
  }

  private answerTo(judgement: ReturnType<typeof judge>, mark: ReturnType<typeof readMark>, again = true): Answer {
    if (judgement === 'duplicate' && mark) {
      this.counted.duplicate += 1;
      return { kind: 'duplicate', of: mark };
    }
    this.counted[judgement === 'own' ? 'own' : 'again'] += 1;
    return judgement === 'own' ? { kind: 'mine', repeated: true, again: mark?.again === true } : { kind: 'mine', repeated: false, again };
  }

  private replace(found: string, { key, mark, windowMs }: ToClaim): Promise<string | null | undefined> {
    return this.care.tell(this.redis.eval(REPLACE, 1, key, found, printMark(mark), windowMs) as Promise<string | null>);
  }
}
