import type { LastFailure } from '@spillway/contracts';
import { capAfter, circuitAfter, mayBegin, newCap, newCircuit, type CapEvent, type Circuit, type CircuitEvent, type EarnedCap } from '@spillway/delivery';
import { Fifo } from './fifo.ts';
import { Rate } from './rate.ts';

/** Why a delivery waits for its endpoint, in a word that stays: facts and metrics use the same. */
export type ParkReason = 'at_cap' | 'circuit_open' | 'over_rate';

/** Where one comes from who asks for a slot: its turn (or its time), where it was parked, its turn in the lane `bulk`, or where it was parked coming from there. */
export type Place = 'turn' | 'parked' | 'bulk' | 'parked_bulk';

export const isParked = (place: Place): boolean => place === 'parked' || place === 'parked_bulk';
export const isBulk = (place: Place): boolean => place === 'bulk' || place === 'parked_bulk';

/** What one who asked for a slot is told. `stay`: what was read from PARKED simply stays there. */
export type Admission = { go: 'begin'; probe: boolean } | { go: 'park'; reason: ParkReason } | { go: 'stay' };

/** Since when, how large, from where, and whom to tell. */
export type Waiter = { since: number; bytes: number; from: Place; tell: (admission: Admission) => void };

export type LineSettings = {
  tenant: string;
  /** How many attempts at once this app may have at the endpoint. */
  limit: number;
  ratePerSecond?: number | undefined;
};

/** How much one new duration weighs against what was known. */
const WEIGHT = 0.2;
/** Attempts longer than this are long: they hold at most half of the slots. */
export const LONG_MS = 1_000;
/** No answer for eight times what one takes, and for longer than a process on a busy machine may stand still: the endpoint may have begun to hang. */
const SILENT_TIMES = 8;
const SILENT_MIN_MS = 200;
/** At once at an endpoint that hangs, as at one of which nothing is known. What it has earned counts again as soon as it answers. */
const HANGING_IN_FLIGHT = 2;

/** What this process knows of one endpoint: how much it may do there at once, whether it answers, and who waits for it. */
export class Line {
  inFlight = 0;
  /** In memory, from DELIVERY or the calendar: in order of arrival. */
  readonly fresh = new Fifo<Waiter>();
  /** In memory, read from where it was parked. */
  readonly parked = new Fifo<Waiter>();
  /** In memory, from the lane `bulk`, also what was parked of it: behind the others, at the endpoint too. */
  readonly bulk = new Fifo<Waiter>();
  /** Of these, how many were read from where they were parked. */
  parkedInBulk = 0;
  /** As this process has seen it. */
  lastFailure: LastFailure | undefined;
  /** Monotonic: since when its circuit is not closed. */
  openSinceMs: number | undefined;
  /** More parked deliveries would have been read, had there been room. */
  askedInVain = false;
  /** Of what is in flight, how many took one of the places for attempts that may be long. */
  longPlaces = 0;
  /** And of these, how many are bulk's. */
  bulkLongPlaces = 0;
  private cap: EarnedCap;
  private known: Circuit;
  private rate: Rate | undefined;
  private recentMs: number | undefined;
  private provenQuick = false;
  /** When the attempts in flight began, the oldest first. */
  private readonly begun: number[] = [];
  private answeredAt = Number.NEGATIVE_INFINITY;
  private silent = false;
  private hangs = false;
  private parkedIsNext = true;

  constructor(
    readonly endpointId: string,
    private settings: LineSettings,
    nowMs: number,
  ) {
    this.cap = newCap(settings.limit);
    this.known = newCircuit(nowMs);
    this.rate = settings.ratePerSecond === undefined ? undefined : new Rate(settings.ratePerSecond);
  }

  get tenant(): string {
    return this.settings.tenant;
  }

  get capNow(): number {
    return this.cap.inFlightMax;
  }

  get circuit(): Circuit {
    return this.known;
  }

  get hasRoom(): boolean {
    return this.inFlight < (this.hangs ? Math.min(HANGING_IN_FLIGHT, this.cap.inFlightMax) : this.cap.inFlightMax);
  }

  get waiting(): number {
    return this.waitingFirst + this.bulk.length;
  }

  /** Those that go before bulk. */
  get waitingFirst(): number {
    return this.fresh.length + this.parked.length;
  }

  get isRateLimited(): boolean {
    return this.rate !== undefined;
  }

  /** Nothing is lost by forgetting it. */
  get forgettable(): boolean {
    return this.inFlight === 0 && this.waiting === 0 && !this.askedInVain && this.known.is === 'closed';
  }

  /** Until it has answered quickly, and again when it no longer does: such lines share half of the slots. */
  get maybeLong(): boolean {
    return !this.provenQuick || this.silent || (this.recentMs ?? 0) > LONG_MS;
  }

  /** How many of the attempts in flight are long by now: all of them, when the endpoint has fallen silent, which `maybeLong` says from here on. */
  look(nowMs: number): number {
    const [oldest] = this.begun;
    const hangsAfterMs = Math.max(SILENT_MIN_MS, (this.recentMs ?? 0) * SILENT_TIMES);
    const silentMs = oldest === undefined ? 0 : nowMs - Math.max(oldest, this.answeredAt);
    this.silent = silentMs > Math.min(LONG_MS, hangsAfterMs);
    // one that always takes long only shares the places of its like
    this.hangs = silentMs > hangsAfterMs;
    if (this.silent) return this.begun.length;
    const young = this.begun.findIndex((at) => nowMs - at <= LONG_MS);
    return young < 0 ? this.begun.length : young;
  }

  configure(settings: LineSettings): void {
    if (settings.limit !== this.settings.limit) this.cap = capAfter(this.cap, { type: 'limit_changed', limit: settings.limit });
    if (settings.ratePerSecond !== this.settings.ratePerSecond) this.rate = settings.ratePerSecond === undefined ? undefined : new Rate(settings.ratePerSecond);
    this.settings = settings;
  }

  /** Waiting ÷ cap × recent duration; 0 until the first attempt has told how long one takes. What is in bulk stands in nobody's way but its own. */
  expectedWaitMs(from: 'turn' | 'bulk' = 'turn'): number {
    const before = from === 'bulk' ? this.waiting : this.waitingFirst;
    return this.recentMs === undefined ? 0 : ((before + 1) / this.cap.inFlightMax) * this.recentMs;
  }

  /** What stands against beginning one more now, beside a full cap; `undefined`: nothing. */
  hindrance(nowMs: number): ParkReason | undefined {
    if (mayBegin(this.known, this.inFlight, nowMs) === 'no') return 'circuit_open';
    return this.rate !== undefined && this.rate.available(nowMs) === 0 ? 'over_rate' : undefined;
  }

  /** @returns whether it is a probe of an open circuit */
  begin(nowMs: number): boolean {
    this.inFlight += 1;
    this.begun.push(nowMs);
    this.rate?.take(nowMs);
    const probe = mayBegin(this.known, this.inFlight - 1, nowMs) === 'probe';
    if (probe) this.tell({ type: 'probe_began' }, nowMs);
    return probe;
  }

  waitsFor(waiter: Waiter): void {
    if (waiter.from === 'parked_bulk') this.parkedInBulk += 1;
    ({ turn: this.fresh, parked: this.parked, bulk: this.bulk, parked_bulk: this.bulk })[waiter.from].push(waiter);
  }

  nextBulk(): Waiter | undefined {
    const waiter = this.bulk.shift();
    if (waiter?.from === 'parked_bulk') this.parkedInBulk -= 1;
    return waiter;
  }

  /** One in flight is over, or was not made after all. */
  left(durationMs: number, nowMs: number): void {
    this.inFlight -= 1;
    const began = nowMs - durationMs;
    const after = this.begun.findIndex((at) => at > began);
    // it began at the gate, a little before whoever measured its duration
    this.begun.splice(after < 0 ? this.begun.length - 1 : Math.max(0, after - 1), 1);
  }

  ended(event: CapEvent, durationMs: number, nowMs: number): void {
    if (event.type !== 'timed_out') {
      this.answeredAt = nowMs;
      this.hangs = false;
    }
    this.cap = capAfter(this.cap, event);
    this.recentMs = this.recentMs === undefined ? durationMs : this.recentMs + WEIGHT * (durationMs - this.recentMs);
    if (event.type === 'succeeded' && durationMs < LONG_MS) this.provenQuick = true;
    if (event.type === 'timed_out') this.provenQuick = false;
  }

  tell(event: CircuitEvent, nowMs: number): void {
    this.known = circuitAfter(this.known, event, nowMs);
  }

  forgetCircuit(nowMs: number): void {
    this.known = newCircuit(nowMs);
  }

  /** How many more of what is parked could be begun soon, by cap, circuit and rate together. */
  parkedWanted(rounds: number, sliceMax: number, nowMs: number): number {
    const more = this.parkedMax(rounds, sliceMax, nowMs) - this.parked.length - this.parkedInBulk;
    return more > 0 ? more : 0;
  }

  /** In turns where both wait: what was parked gets at least half of the slots that fall free. */
  next(): Waiter | undefined {
    const first = this.parkedIsNext ? this.parked : this.fresh;
    const other = this.parkedIsNext ? this.fresh : this.parked;
    this.parkedIsNext = !this.parkedIsNext;
    return first.shift() ?? other.shift();
  }

  private parkedMax(rounds: number, sliceMax: number, nowMs: number): number {
    const verdict = mayBegin(this.known, this.inFlight, nowMs);
    if (verdict === 'no') return 0;
    if (verdict === 'probe') return 1;
    const bySlots = Math.min(sliceMax, this.cap.inFlightMax * rounds);
    const byCircuit = this.known.is === 'closing' ? 2 ** this.known.successes : bySlots;
    return Math.min(bySlots, byCircuit, this.rate?.available(nowMs) ?? bySlots);
  }
}
