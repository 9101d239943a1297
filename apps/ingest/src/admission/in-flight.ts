/** Why there is no place: all are taken, or all that one owner may have. */
export type NoPlace = 'full' | 'owner_full';

type Held = { requests: number; bytes: number };

/**
 * The bound on what requests hold in memory, counted before a byte of their bodies is read. A queue without a bound would turn a slow disk into a
 * process that dies with everything it had taken. Whoever is known by then to be one tenant gets at most half of it: thousands of bodies that come one byte a
 * second would shut the door for all others.
 */
export class InFlight {
  private held = 0;
  private heldBytes = 0;
  private readonly owners = new Map<string, Held>();

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

  /**
   * Takes a place. What it gives leaves the place again; calling that twice does no harm.
   * @param owner the tenant, when the key is of one
   */
  enter(bytes: number, owner?: string): (() => void) | NoPlace {
    if (this.held >= this.requestsMax || this.heldBytes + bytes > this.bytesMax) return 'full';
    const owned = owner === undefined ? undefined : (this.owners.get(owner) ?? { requests: 0, bytes: 0 });
    if (owned && (owned.requests >= this.requestsMax / 2 || owned.bytes + bytes > this.bytesMax / 2)) return 'owner_full';
    if (owner !== undefined && owned) this.owners.set(owner, owned);
    this.add(1, bytes, owned);
    let inside = true;
    return () => {
      if (!inside) return;
      inside = false;
      this.add(-1, -bytes, owned);
      if (owner !== undefined && owned?.requests === 0) this.owners.delete(owner);
    };
  }

  private add(requests: number, bytes: number, owned: Held | undefined): void {
    this.held += requests;
    this.heldBytes += bytes;
    if (!owned) return;
    owned.requests += requests;
    owned.bytes += bytes;
  }
}
