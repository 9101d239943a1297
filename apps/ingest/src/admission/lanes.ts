import type { IngestLane } from '@spillway/topology';
import { rateLimited } from '../problems.ts';
import type { Crowding } from './crowding.ts';
import { TokenBucket } from './token-bucket.ts';

/**
 * The lane is decided here, once, and kept all the way: a tenant over its rate goes to `bulk`, whose consumers and budgets are its own, and delays itself.
 * It is never refused for it. Without a rate everything is `fresh`, unless it makes others wait, see `Crowding`. A tenant with an ordered endpoint has the lane `ordered` to itself, and no other: over its
 * rate it is refused, because what went by another lane would overtake or fall behind.
 */
export class Lanes {
  private readonly rates = new Map<string, TokenBucket>();
  private readonly ordered = new Set<string>();

  constructor(private readonly crowding: Pick<Crowding, 'take' | 'saw'>) {}

  /** From now on; `undefined`: no rate. A rate that stays the same goes on where it was. */
  setRate(tenant: string, ratePerSecond: number | undefined, nowMs = performance.now()): void {
    if (ratePerSecond === undefined || !(ratePerSecond > 0)) this.rates.delete(tenant);
    else if (this.rates.get(tenant)?.ratePerSecond !== ratePerSecond) this.rates.set(tenant, new TokenBucket(ratePerSecond, nowMs));
  }

  /** From now on: whether it has an endpoint that is ordered. */
  setOrdered(tenant: string, isOrdered: boolean): void {
    if (isOrdered) this.ordered.add(tenant);
    else this.ordered.delete(tenant);
  }

  /** The lane of one event of that tenant, which counts from now. @throws ProblemError 429 `rate_limited` to an ordered tenant over its rate */
  of(tenant: string, bytes: number): IngestLane {
    if (this.ordered.size > 0 && this.ordered.has(tenant)) return this.inOrder(tenant);
    const rate = this.rates.get(tenant);
    // who has a rate may send that much, whoever waits
    if (rate === undefined) return this.crowding.take(tenant, bytes);
    if (rate.take(1, performance.now()) < 1) return 'bulk';
    this.crowding.saw(tenant, bytes);
    return 'fresh';
  }

  private inOrder(tenant: string): IngestLane {
    const [rate, now] = [this.rates.get(tenant), performance.now()];
    if (rate === undefined || rate.take(1, now) === 1) return 'ordered';
    const retryAfter = String(Math.max(1, Math.ceil(rate.secondsUntil(1, now))));
    throw rateLimited(`tenant ${tenant} has an ordered endpoint and may send ${rate.ratePerSecond} events a second`, { 'retry-after': retryAfter }, ['tenant']);
  }
}
