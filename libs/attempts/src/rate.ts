/** A little over the second: starts are counted here, arrivals there, and the way between them is not always equally long. */
const MARGIN = 1.02;

/** A promise that was not kept by then (fewer were there than was thought, a read that failed) is void. A read takes some ms. */
const PROMISED_FOR_MS = 250;

/**
 * At most so many starts in any second, wherever it is laid: the last of them are remembered, and one more may begin when the oldest is a window ago.
 * Below one a second the window is as long as one start takes.
 */
export class Rate {
  private readonly starts: Float64Array;
  private readonly windowMs: number;
  private at = 0;
  private promised = 0;
  private promisedAt = Number.NEGATIVE_INFINITY;

  constructor(readonly perSecond: number) {
    const places = Math.max(1, Math.floor(perSecond));
    this.windowMs = (places / perSecond) * 1_000 * MARGIN;
    this.starts = new Float64Array(places).fill(Number.NEGATIVE_INFINITY);
  }

  /** How many may begin now. */
  available(nowMs: number): number {
    let free = 0;
    // in the order of age from `at` on: the first that is too young ends it
    while (free < this.starts.length && this.isFree((this.at + free) % this.starts.length, nowMs)) free += 1;
    return free;
  }

  /** How many of these nobody was promised. */
  unpromised(nowMs: number): number {
    if (nowMs - this.promisedAt > PROMISED_FOR_MS) this.promised = 0;
    return Math.max(0, this.available(nowMs) - this.promised);
  }

  /** For who is on the way. */
  promise(count: number, nowMs: number): void {
    if (count === 0) return;
    this.promised += count;
    this.promisedAt = nowMs;
  }

  /** One begins; only after `available` said so. */
  take(nowMs: number): void {
    if (this.promised > 0) this.promised -= 1;
    this.starts[this.at] = nowMs;
    this.at = (this.at + 1) % this.starts.length;
  }

  /** Another rate, which remembers what began lately under this one; of what it has more, nothing is free before a window is over: others may have used it. */
  resized(perSecond: number, nowMs: number): Rate {
    const resized = new Rate(perSecond);
    // from the oldest; where the new one has fewer places, the oldest are overwritten
    for (let i = 0; i < this.starts.length; i += 1) resized.take(this.starts[(this.at + i) % this.starts.length] as number);
    for (let more = this.starts.length; more < resized.starts.length; more += 1) resized.take(nowMs);
    return resized;
  }

  private isFree(place: number, nowMs: number): boolean {
    return nowMs - (this.starts[place] as number) >= this.windowMs;
  }
}
