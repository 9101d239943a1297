import type { Fact } from '@spillway/contracts';
import { deliveriesParked } from '@spillway/delivery';

type Waiting = { deliveries: string[]; written: Promise<void> };

/**
 * `delivery.parked`, many to a fact: what is parked of one endpoint while its last such fact is being written shares the next. A flood to one endpoint
 * costs a line per page, not a line per delivery.
 */
export class ParkedFacts {
  private readonly open = new Map<string, Waiting>();
  private readonly writing = new Map<string, Promise<void>>();

  constructor(
    private readonly app: string,
    private readonly record: (tenant: string, fact: Fact) => Promise<void>,
    private readonly now: () => Date,
  ) {}

  /** Resolves when a fact that names it is on disk. */
  add(tenant: string, endpoint: string, delivery: string, reason: string): Promise<void> {
    const key = `${tenant} ${endpoint} ${reason}`;
    const open = this.open.get(key);
    if (open) {
      open.deliveries.push(delivery);
      return open.written;
    }
    const deliveries = [delivery];
    const fact = (): Fact => deliveriesParked(tenant, endpoint, deliveries, reason, { now: this.now(), app: this.app });
    const written = this.writeAfter(this.writing.get(key), key, tenant, fact);
    this.open.set(key, { deliveries, written });
    return written;
  }

  private async writeAfter(last: Promise<void> | undefined, key: string, tenant: string, fact: () => Fact): Promise<void> {
    await last?.catch(() => undefined); // told to those who wait for that one; this one is written all the same
    // what came meanwhile is in the list; from here on the next list begins
    await new Promise((resolve) => setImmediate(resolve));
    this.open.delete(key);
    const writing = this.record(tenant, fact());
    this.writing.set(key, writing);
    try {
      await writing;
    } finally {
      if (this.writing.get(key) === writing) this.writing.delete(key);
    }
  }
}
