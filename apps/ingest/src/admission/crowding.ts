/** What lies in INGEST and has not been routed, waiting or in the hands of a dedupe: as if all of it were events of 1 KiB. */
export type Backlog = { fresh: number; bulk: number };

export type CrowdingOptions = {
  /** From so many events of 1 KiB in `fresh` on somebody waits: at 3,000 a second 250 of them are 80 ms. 0: nobody is ever moved. */
  crowdedAt: number;
  onMoved?: (tenant: string, to: 'fresh' | 'bulk') => void;
};

type Sender = {
  /** Of what it sent since the last tick, see `weightOf`. */
  weight: number;
  /** Weight a tick, lately. */
  pace: number;
  lastAtMs: number;
  /** By a rate of its own. */
  isEntitled: boolean;
  /** In bulk, since when, and for how long at least. */
  moved?: { sinceMs: number; holdMs: number; calmSinceMs: number | undefined };
  /** When it last came back, and how long it had been held: who crowds again at once is held longer. */
  cameBack?: { atMs: number; heldMs: number };
  /** Ticks for which it counts that it was refused for its share. */
  refusedFor: number;
};

/** Before that a tick tells little; after that half of what it said is forgotten in a quarter of a second. */
export const TICK_MS = 100;
const WEIGHT_OF_A_TICK = 0.25;
/** Who sent within that time would wait behind a flood. */
const ACTIVE_FOR_MS = 10_000;
/** So many times the pace of whoever comes next: a large tenant beside small ones is none, until they wait behind it. */
const FAR_AHEAD = 4;
/** 100 events a second. Who sends less crowds nobody. */
const PACE_MIN = 10;
/** Of `crowdedAt`, what one may put before the others between two ticks: a batch of some hundred events makes them wait before anybody has looked. */
const BURST = 0.25;
/** At 150 B each. Whoever comes beyond is not looked at, and stays where it is. */
const SENDERS_MAX = 20_000;
const HOLD_MS = 2_000;
const HOLD_MAX_MS = 60_000;
const CALM_MS = 1_000;
/** The broker is asked between two of them. */
const REFUSED_FOR_TICKS = 3;

/** What an event, or a page of several, costs those behind it, in events of 1 KiB: 16 KiB of body are as dear as the rest of it (measured: 1 KiB 6,100/s, 256 KiB 360/s through one dedupe). */
export const weightOf = (bytes: number, events = 1): number => events + bytes / 16_384;

/**
 * `fresh` is one line for all tenants, and most have no rate of their own: whoever sends far more than the others makes them wait behind it. What comes in a burst beyond what the
 * others would not feel goes to `bulk`, whose consumers and budgets are its own, and so does all of that tenant while they wait all the same: it delays itself, and is never refused for
 * it. Whoever is refused for its share is at it all the while, however small that is: no backlog need show it. By what this process took in itself: each ingest judges for itself.
 */
export class Crowding {
  private readonly senders = new Map<string, Sender>();
  private movedCount = 0;

  constructor(private readonly options: CrowdingOptions) {}

  /** Tenants that are in bulk for now. */
  get moved(): number {
    return this.movedCount;
  }

  /** Whether the backlog matters: somebody is far ahead of others, or was. */
  get isUneven(): boolean {
    return this.options.crowdedAt > 0 && (this.movedCount > 0 || this.farAhead().length > 0);
  }

  /** One event of a tenant comes in. @returns the lane that it takes */
  take(tenant: string, bytes: number): 'fresh' | 'bulk' {
    const sender = this.add(tenant, bytes, false);
    return sender !== undefined && (sender.moved !== undefined || this.isBurst(sender)) ? 'bulk' : 'fresh';
  }

  /** One event of a tenant that has a rate, and is within it: it may be waiting behind others, and is never moved. */
  saw(tenant: string, bytes: number): void {
    this.add(tenant, bytes, true);
  }

  /** An event of that tenant found its share used up. */
  refused(tenant: string): void {
    const sender = this.senders.get(tenant);
    if (sender) sender.refusedFor = REFUSED_FOR_TICKS;
  }

  /** Every `TICK_MS`, whatever comes. @param nowMs monotonic */
  tick(nowMs: number): void {
    for (const [tenant, sender] of this.senders) {
      if (sender.weight > 0) sender.lastAtMs = nowMs;
      sender.pace += WEIGHT_OF_A_TICK * (sender.weight - sender.pace);
      sender.weight = 0;
      sender.refusedFor = Math.max(0, sender.refusedFor - 1);
      if (nowMs - sender.lastAtMs < ACTIVE_FOR_MS) continue;
      if (sender.moved) this.moveBack(tenant, sender, nowMs);
      this.senders.delete(tenant);
    }
  }

  /** After a tick, when it is uneven. */
  judge(backlog: Backlog, nowMs: number): void {
    const ahead = new Set(this.farAhead());
    for (const [tenant, sender] of this.senders) {
      if (sender.moved) this.judgeMoved(tenant, sender, backlog, ahead.has(tenant), nowMs);
      else if ((backlog.fresh > this.options.crowdedAt || sender.refusedFor > 0) && ahead.has(tenant) && !sender.isEntitled) this.move(tenant, sender, nowMs);
    }
  }

  /** Beside others only: who is alone takes all of `fresh`. */
  private isBurst({ weight }: Sender): boolean {
    const { crowdedAt } = this.options;
    return weight > BURST * crowdedAt && crowdedAt > 0 && this.senders.size > 1;
  }

  private add(tenant: string, bytes: number, isEntitled: boolean): Sender | undefined {
    let sender = this.senders.get(tenant);
    if (sender === undefined) {
      if (this.senders.size >= SENDERS_MAX) return undefined;
      sender = { weight: 0, pace: 0, lastAtMs: 0, isEntitled, refusedFor: 0 };
      this.senders.set(tenant, sender);
    }
    sender.weight += weightOf(bytes);
    sender.isEntitled = isEntitled;
    return sender;
  }

  /** Those before the last gap in the order of paces that is wide enough, when somebody is behind it. */
  private farAhead(): string[] {
    const slow = PACE_MIN / FAR_AHEAD;
    const byPace = [...this.senders].filter(([, { pace }]) => pace > slow).toSorted(([, a], [, b]) => b.pace - a.pace);
    const paces = byPace.map(([, { pace }]) => pace);
    if (byPace.length < this.senders.size) paces.push(slow);
    const gap = paces.findLastIndex((pace, i) => pace >= PACE_MIN && pace >= FAR_AHEAD * (paces[i + 1] ?? Number.POSITIVE_INFINITY));
    return byPace.slice(0, gap + 1).map(([tenant]) => tenant);
  }

  private move(tenant: string, sender: Sender, nowMs: number): void {
    const { cameBack } = sender;
    const again = cameBack !== undefined && nowMs - cameBack.atMs < HOLD_MAX_MS;
    sender.moved = { sinceMs: nowMs, holdMs: again ? Math.min(HOLD_MAX_MS, 2 * cameBack.heldMs) : HOLD_MS, calmSinceMs: undefined };
    this.movedCount += 1;
    this.options.onMoved?.(tenant, 'bulk');
  }

  /** Back when it is like the others again, or when nothing of it waits although it goes on. */
  private judgeMoved(tenant: string, sender: Sender, { fresh, bulk }: Backlog, isAhead: boolean, nowMs: number): void {
    const moved = sender.moved as NonNullable<Sender['moved']>;
    const isCalm = !isAhead || (fresh + bulk <= this.options.crowdedAt && sender.refusedFor === 0);
    if (!isCalm) moved.calmSinceMs = undefined;
    else moved.calmSinceMs ??= nowMs;
    if (moved.calmSinceMs !== undefined && nowMs - moved.calmSinceMs >= CALM_MS && nowMs - moved.sinceMs >= moved.holdMs) this.moveBack(tenant, sender, nowMs);
  }

  private moveBack(tenant: string, sender: Sender, nowMs: number): void {
    sender.cameBack = { atMs: nowMs, heldMs: sender.moved?.holdMs ?? HOLD_MS };
    delete sender.moved;
    this.movedCount -= 1;
    this.options.onMoved?.(tenant, 'fresh');
  }
}
