import type { Principal } from '@spillway/keys';
import type { ProblemError } from '@spillway/service-kit';
import type { HeaderFields } from '../http/answer.ts';
import { rateLimited } from '../problems.ts';
import { TokenBucket } from './token-bucket.ts';

const POLICY = 'key';
const RETRY_AFTER = 'retry-after';

/**
 * The rate of one key at this ingest, in events a second: a request takes one, a batch as many as it holds.
 * The headers are those of draft-ietf-httpapi-ratelimit-headers-11.
 */
export class KeyLimit {
  private readonly policy: string;

  constructor(private readonly bucket: TokenBucket) {
    this.policy = `"${POLICY}";q=${bucket.quota};w=${bucket.windowSeconds}`;
  }

  /** @returns how many of them may go on */
  take(events: number): number {
    return this.bucket.take(events, performance.now());
  }

  /** @throws ProblemError 429 rate_limited */
  assertOne(): void {
    if (this.take(1) === 0) throw this.refusal();
  }

  /** Of a batch, for whose first event one was taken, as many as there are; the others are refused. */
  within<T>(batch: readonly (T | ProblemError)[]): (T | ProblemError)[] {
    const allowed = 1 + (batch.length > 1 ? this.take(batch.length - 1) : 0);
    if (allowed >= batch.length) return [...batch];
    const refusal = this.refusal();
    return batch.map((event, at) => (at < allowed ? event : refusal));
  }

  refusal(): ProblemError {
    const { ratePerSecond } = this.bucket;
    return rateLimited(`the key may send ${ratePerSecond} events a second`, { [RETRY_AFTER]: String(this.secondsToWait()) }, [POLICY]);
  }

  /**
   * Of every answer to whom was charged. `t`: within so many seconds no more than `r`. `Retry-After` never names an earlier moment.
   * @param own what the answer says besides
   */
  headers(own: HeaderFields = {}): HeaderFields {
    const seconds = this.secondsToWait();
    const limits = { ...own, 'ratelimit-policy': this.policy, ratelimit: `"${POLICY}";r=${this.bucket.left(performance.now())};t=${seconds}` };
    const { [RETRY_AFTER]: retryAfter } = own;
    return retryAfter === undefined ? limits : { ...limits, [RETRY_AFTER]: String(Math.max(Number(retryAfter), seconds)) };
  }

  private secondsToWait(): number {
    return Math.max(1, Math.ceil(this.bucket.secondsUntil(1, performance.now())));
  }
}

/** Limits by key. They go with the principal: a key that is revoked leaves nothing behind. */
export class KeyRates {
  private readonly limits = new WeakMap<Principal, KeyLimit>();

  /** `undefined`: as fast as it likes. */
  of(principal: Principal): KeyLimit | undefined {
    const { ratePerSecond } = principal;
    if (ratePerSecond === undefined || !(ratePerSecond > 0)) return undefined;
    let limit = this.limits.get(principal);
    if (limit === undefined) {
      limit = new KeyLimit(new TokenBucket(ratePerSecond, performance.now()));
      this.limits.set(principal, limit);
    }
    return limit;
  }
}
