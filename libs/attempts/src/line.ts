import { capAfter, newCap, type CapEvent, type EarnedCap } from '@spillway/delivery';

/** First come, first served, without moving an array for each one taken. */
export class Fifo<T> {
  private items: (T | undefined)[] = [];
  private head = 0;

  get length(): number {
    return this.items.length - this.head;
  }

  push(item: T): void {
    this.items.push(item);
  }

  peek(): T | undefined {
    return this.items[this.head];
  }

  shift(): T | undefined {
    const item = this.items[this.head];
    if (item === undefined) return undefined;
    this.items[this.head] = undefined;
    this.head += 1;
    if (this.head > 1_024 && this.head * 2 > this.items.length) {
      this.items = this.items.slice(this.head);
      this.head = 0;
    }
    return item;
  }
}

/** One who waits for a slot. `go(true)`: begin; `go(false)`: be parked. */
export type Waiter = { since: number; bytes: number; go: (begin: boolean) => void };

/** How much one new duration weighs against what was known. */
const WEIGHT = 0.2;

/** What this process knows of one endpoint: how much it may do there at once, and who waits for it. */
export class Line {
  inFlight = 0;
  /** In memory, from DELIVERY: in order of arrival. */
  readonly fresh = new Fifo<Waiter>();
  /** In memory, read from where it was parked. */
  readonly parked = new Fifo<Waiter>();
  /** More parked deliveries would have been read, had there been room. */
  askedInVain = false;
  private cap: EarnedCap;
  private recentMs: number | undefined;
  private parkedIsNext = true;

  constructor(
    readonly endpointId: string,
    limit: number,
  ) {
    this.cap = newCap(limit);
  }

  get capNow(): number {
    return this.cap.inFlightMax;
  }

  get hasRoom(): boolean {
    return this.inFlight < this.cap.inFlightMax;
  }

  get waiting(): number {
    return this.fresh.length + this.parked.length;
  }

  get idle(): boolean {
    return this.inFlight === 0 && this.waiting === 0;
  }

  limitTo(limit: number): void {
    if (limit !== this.cap.limit) this.cap = capAfter(this.cap, { type: 'limit_changed', limit });
  }

  /** Waiting ÷ cap × recent duration; 0 until the first attempt has told how long one takes. */
  expectedWaitMs(): number {
    return this.recentMs === undefined ? 0 : ((this.waiting + 1) / this.cap.inFlightMax) * this.recentMs;
  }

  ended(event: CapEvent, durationMs: number): void {
    this.inFlight -= 1;
    this.cap = capAfter(this.cap, event);
    this.recentMs = this.recentMs === undefined ? durationMs : this.recentMs + WEIGHT * (durationMs - this.recentMs);
  }

  /** In turns where both wait: what was parked gets at least half of the slots that fall free. */
  next(): Waiter | undefined {
    const first = this.parkedIsNext ? this.parked : this.fresh;
    const other = this.parkedIsNext ? this.fresh : this.parked;
    this.parkedIsNext = !this.parkedIsNext;
    return first.shift() ?? other.shift();
  }
}
