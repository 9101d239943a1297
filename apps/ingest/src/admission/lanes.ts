import { queues, type IngestLane } from '@spillway/topology';
import { TokenBucket } from './token-bucket.ts';

/**
 * The lane is decided here, once, and kept all the way: a tenant over its rate goes to `bulk`, whose consumers and budgets are its own, and delays itself.
 * It is never refused for it. Without a rate everything is `fresh`.
 */
export class Lanes {
  private readonly rates = new Map<string, TokenBucket>();

  /** @param isBulkWorked whether somebody drains the lane; by default, whether the catalogue has who does */
  constructor(private readonly isBulkWorked = Object.hasOwn(queues, 'dedupe-bulk')) {}

  /** From now on; `undefined`: no rate. A rate that stays the same goes on where it was. */
  setRate(tenant: string, ratePerSecond: number | undefined, nowMs = performance.now()): void {
    if (ratePerSecond === undefined || !(ratePerSecond > 0)) this.rates.delete(tenant);
    else if (this.rates.get(tenant)?.ratePerSecond !== ratePerSecond) this.rates.set(tenant, new TokenBucket(ratePerSecond, nowMs));
  }

  /** The lane of one event of that tenant, which counts from now. */
  of(tenant: string): IngestLane {
    if (this.rates.size === 0 || !this.isBulkWorked) return 'fresh';
    const rate = this.rates.get(tenant);
    return rate === undefined || rate.take(1, performance.now()) === 1 ? 'fresh' : 'bulk';
  }
}
