/**
 * The bound on what requests hold in memory, counted before a byte of their bodies is read. A queue without a bound would turn a slow disk into a
 * process that dies with everything it had taken.
 */
export class InFlight {
  private held = 0;
  private heldBytes = 0;

  constructor(
    readonly requestsMax: number,
    readonly bytesMax: number,
  ) {}

  get requests(): number {
    return this.held;
  }

  get bytes(): number {
    return this.heldBytes;
  }

  /** Takes a place; `undefined` when there is none. What it gives back leaves the place again; calling that twice does no harm. */
  enter(bytes: number): (() => void) | undefined {
    if (this.held >= this.requestsMax || this.heldBytes + bytes > this.bytesMax) return undefined;
    this.held += 1;
    this.heldBytes += bytes;
    let inside = true;
    return () => {
      if (!inside) return;
      inside = false;
      this.held -= 1;
      this.heldBytes -= bytes;
    };
  }
}
