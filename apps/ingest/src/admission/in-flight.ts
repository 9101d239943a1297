/** Why there is no place: all are taken, or all that one owner may have. */
export type NoPlace = 'full' | 'owner_full';

type Held = { requests: number; events: number; bytes: number };
export type InFlightBounds = { requestsMax: number; eventsMax: number; bytesMax: number };

/** Of one request, from its head to the end of its answer. */
export class Place {
  private events = 1;
  private isInside = true;
  private isKept = false;
  private isLeft = false;

  constructor(
    private readonly inFlight: InFlight,
    private readonly bytes: number,
    private owner: string | undefined,
  ) {}

  /** Its body says whose it is, where the key did not. */
  own(owner: string): NoPlace | undefined {
    if (this.owner !== undefined || !this.isInside) return undefined;
    const mine = { requests: 1, events: this.events, bytes: this.bytes };
    if (this.inFlight.isOwnerFull(mine, owner)) return 'owner_full';
    this.inFlight.addOwned(mine, owner);
    this.owner = owner;
    return undefined;
  }

  /** A body turned out to hold so many events: room for each of them, or for none. */
  hold(events: number): NoPlace | undefined {
    if (!this.isInside) return undefined; // its client is gone
    const more = events - this.events;
    const refusal = this.inFlight.refusal({ requests: 0, events: more, bytes: 0 }, this.owner);
    if (refusal !== undefined) return refusal;
    this.inFlight.add({ requests: 0, events: more, bytes: 0 }, this.owner);
    this.events = events;
    return undefined;
  }

  /** While its body is unpacked, or judged, which goes on when its client has gone: who sends and hangs up does not get ahead of the bounds. */
  keep(isKept: boolean): void {
    this.isKept = isKept;
    if (this.isLeft) this.leave();
  }

  /** Calling it twice does no harm. */
  leave(): void {
    this.isLeft = true;
    if (!this.isInside || this.isKept) return;
    this.isInside = false;
    this.inFlight.add({ requests: -1, events: -this.events, bytes: -this.bytes }, this.owner);
  }
}

/**
 * The bound on what requests hold in memory, counted before a byte of their bodies is read. A queue without a bound would turn a slow disk into a
 * process that dies with everything it had taken. One tenant gets at most half of it, from when it is known whose the request is: by the key, else by the body.
 * Thousands of bodies that come one byte a second, or wait for a slow disk, would shut the door for all others.
 */
export class InFlight {
  private readonly held: Held = { requests: 0, events: 0, bytes: 0 };
  private readonly owners = new Map<string, Held>();

  constructor(readonly bounds: InFlightBounds) {}

  get requests(): number {
    return this.held.requests;
  }

  get events(): number {
    return this.held.events;
  }

  get bytes(): number {
    return this.held.bytes;
  }

  /**
   * A place for a request; it counts as one event until its body says how many it holds.
   * @param owner the tenant, when the key is of one
   */
  enter(bytes: number, owner?: string): Place | NoPlace {
    const one = { requests: 1, events: 1, bytes };
    const refusal = this.refusal(one, owner);
    if (refusal !== undefined) return refusal;
    this.add(one, owner);
    return new Place(this, bytes, owner);
  }

  /** What stands against so many more. */
  refusal(more: Held, owner: string | undefined): NoPlace | undefined {
    if (this.isOver(this.held, more, 1)) return 'full';
    return owner !== undefined && this.isOwnerFull(more, owner) ? 'owner_full' : undefined;
  }

  isOwnerFull(more: Held, owner: string): boolean {
    return this.isOver(this.owners.get(owner) ?? NOTHING, more, 2);
  }

  add(more: Held, owner: string | undefined): void {
    addTo(this.held, more);
    if (owner !== undefined) this.addOwned(more, owner);
  }

  addOwned(more: Held, owner: string): void {
    const owned = this.owners.get(owner);
    if (owned === undefined) this.owners.set(owner, { ...more });
    else addTo(owned, more);
    if (owned?.requests === 0) this.owners.delete(owner);
  }

  private isOver({ requests, events, bytes }: Held, more: Held, divisor: number): boolean {
    const { requestsMax, eventsMax, bytesMax } = this.bounds;
    return requests + more.requests > Math.ceil(requestsMax / divisor) || events + more.events > eventsMax / divisor || bytes + more.bytes > bytesMax / divisor;
  }
}

const NOTHING: Readonly<Held> = { requests: 0, events: 0, bytes: 0 };

const addTo = (held: Held, more: Held): void => {
  held.requests += more.requests;
  held.events += more.events;
  held.bytes += more.bytes;
};
