import type { LastFailure } from '@spillway/contracts';
import type { CapEvent } from '@spillway/delivery';
import { isBulk, isParked, Line, type Admission, type LineSettings, type ParkReason, type Place, type Waiter } from './line.ts';
import { Turns } from './turns.ts';

export type GateLimits = {
  /** Attempts at once in this process. */
  slots: number;
  /** Beyond this expected wait a delivery is better parked: a place in memory is for who will be served soon. */
  maxWaitMs: number;
  /** A quarter of its shard's max_ack_pending (2,048): one endpoint cannot fill it. */
  maxWaitingPerEndpoint: number;
  maxWaitingBytes: number;
};

export const dispatcherGate: GateLimits = { slots: 512, maxWaitMs: 1_000, maxWaitingPerEndpoint: 512, maxWaitingBytes: 64 * 2 ** 20 };
export const retrierGate: GateLimits = { ...dispatcherGate, slots: 256 };

/** How an attempt ended, as the gate counts it. */
export type Ended = {
  cap: CapEvent;
  /** `none`: it says nothing about the endpoint (it was not made, or the fault is ours). */
  circuit: 'succeeded' | 'failed' | 'none';
  probe: boolean;
  durationMs: number;
  /** There was no attempt after all, so its duration says nothing. */
  notMade?: boolean;
  failed?: LastFailure;
  /** Monotonic: the endpoint asked to be left alone until then (`Retry-After`). */
  waitUntilMs?: number | undefined;
};

/** A circuit that was closed is so no more, or is again. What is between (probes, closing slowly) is not told. */
export type CircuitChange = { endpointId: string; tenant: string; lastFailure: LastFailure | undefined } & (
  | { is: 'opened'; reason: 'failures' | 'asked_to_wait' }
  | { is: 'closed'; reason: 'answered' | 'reset'; openMs: number }
);

/** Read from PARKED at once: a few rounds of the cap, so that slices are worth their request. */
const PARKED_ROUNDS = 4;
const PARKED_SLICE_MAX = 256;
const LINES_MAX = 10_000;
/** Slots are short when less than this share of them is free; then no tenant may have more than a quarter. */
const SHORT_BELOW = 0.25;
const TENANT_SHARE = 0.25;
/** Of all slots, for attempts that are or may become long. */
const LONG_SHARE = 0.5;
/** Of all slots, and of those for long attempts, for what is in bulk: a burst in `fresh` finds the other half free. */
const BULK_SHARE = 0.5;
/** While others wait too, every eighth attempt is bulk's: it never stands still, and costs the others an eighth of the slots that fall free. */
const FIRST_IN_A_ROW = 7;

/**
 * Who may begin an attempt now. Per endpoint an earned cap, a circuit and perhaps a rate, over all of the process a number of slots; lines that could begin
 * take turns. Plain memory, and right over all replicas, because a shard has one owner.
 */
export class Gate {
  private readonly lines = new Map<string, Line>();
  private readonly turns = new Turns();
  /** Lines with somebody waiting in bulk: a line may stand in both. */
  private readonly bulkTurns = new Turns();
  /** Lines that something other than a slot holds back, and somebody is waiting for. Looked at by `beat`. */
  private readonly heldBack = new Set<Line>();
  private readonly tenants = new Map<string, number>();
  private inFlight = 0;
  private longInFlight = 0;
  private bulkInFlight = 0;
  private bulkLongInFlight = 0;
  private firstInARow = 0;
  private waitingBytes = 0;

  constructor(
    private readonly limits: GateLimits,
    /** Somebody asked in vain for room for parked deliveries of this endpoint, and now there is. */
    private readonly onRoom: (endpointId: string) => void = () => undefined,
    private readonly clock: () => number = () => performance.now(),
    private readonly onCircuit: (change: CircuitChange) => void = () => undefined,
  ) {}

  get attemptsInFlight(): number {
    return this.inFlight;
  }

  get bytesWaiting(): number {
    return this.waitingBytes;
  }

  get waitingNow(): number {
    let sum = 0;
    for (const line of this.lines.values()) sum += line.waiting;
    return sum;
  }

  /** Endpoints whose circuit is not closed, as far as this process has learnt. */
  get circuitsOpen(): number {
    let sum = 0;
    for (const { circuit } of this.lines.values()) if (circuit.is !== 'closed') sum += 1;
    return sum;
  }

  line(endpointId: string, settings: LineSettings): Line {
    let line = this.lines.get(endpointId);
    if (line) {
      line.configure(settings);
      return line;
    }
    if (this.lines.size >= LINES_MAX) this.forget();
    line = new Line(endpointId, settings, this.clock());
    this.lines.set(endpointId, line);
    return line;
  }

  /** It was enabled again, or has another address: what was learnt of it says nothing any more. */
  forgetCircuit(endpointId: string): void {
    const line = this.lines.get(endpointId);
    line?.forgetCircuit(this.clock());
    if (line) this.tellCircuit(line, 'reset');
  }

  /** `undefined`: nothing was begun there from here. */
  known(endpointId: string): Line | undefined {
    return this.lines.get(endpointId);
  }

  /** @returns at once where it is clear, else a promise. Whoever is told `begin` says `leave` when done. */
  enter(line: Line, from: Place, bytes: number): Admission | Promise<Admission> {
    const now = this.clock();
    const refused = this.refusal(line, from, now);
    if (refused) return refused;
    if (this.isNext(line, from) && this.mayBegin(line, from, now)) return this.begin(line, from, now);
    if (this.isFull(line, from, bytes)) return turnedAway(from, 'at_cap');
    return new Promise((tell) => {
      line.waitsFor({ since: now, bytes, from, tell });
      this.waitingBytes += bytes;
      this.queueUp(line);
      if (line.hindrance(now) !== undefined) this.heldBack.add(line);
    });
  }

  /** @param from as it was entered */
  leave(line: Line, { cap, circuit, probe, durationMs, notMade, failed, waitUntilMs }: Ended, from: Place = 'turn'): void {
    const now = this.clock();
    this.release(line, from);
    line.left(durationMs, now);
    if (notMade !== true) line.ended(cap, durationMs, now);
    if (circuit !== 'none') line.tell({ type: circuit, probe }, now);
    else if (probe) line.tell({ type: 'probe_dropped' }, now);
    const asked = waitUntilMs !== undefined && waitUntilMs > now;
    if (asked) line.tell({ type: 'asked_to_wait', untilMs: waitUntilMs }, now);
    if (failed) line.lastFailure = failed;
    this.tellCircuit(line, asked ? 'asked_to_wait' : 'failures');
    const hindrance = line.waiting === 0 ? undefined : line.hindrance(now);
    if (hindrance === 'circuit_open' && line.circuit.is === 'open') this.turnAwayAll(line, hindrance);
    this.queueUp(line);
    this.serve(now);
    this.offerRoom(line, now);
  }

  /** How many more parked deliveries of this endpoint may be read now. */
  roomForParked(line: Line): number {
    const room = this.parkedWanted(line, this.clock());
    line.askedInVain = room === 0;
    if (line.askedInVain) this.heldBack.add(line);
    return room;
  }

  /** What time brings: probes that are due, rates that allow one more, and who waits longer than was expected gives its place up. Called ten times a second. */
  beat(): void {
    const now = this.clock();
    for (const line of this.heldBack) {
      this.queueUp(line);
      this.offerRoom(line, now);
      if (!line.askedInVain && line.waiting === 0) this.heldBack.delete(line);
    }
    this.serve(now);
    for (const line of this.lines.values()) {
      this.countLong(line, now);
      this.parkTheLate(line, line.fresh, now);
      // bulk may wait for slots that others want, where it is: only its endpoint's cap parks it
      if (!line.hasRoom) this.parkTheLate(line, line.bulk, now);
    }
  }

  /** Everybody who waits is told to go away: for a stop. */
  close(): void {
    for (const line of this.lines.values()) this.turnAwayAll(line, 'at_cap');
  }

  /** What is not even worth waiting for in memory. */
  private refusal(line: Line, from: Place, now: number): Admission | undefined {
    const hindrance = line.hindrance(now);
    if (hindrance === 'circuit_open') return turnedAway(from, hindrance);
    if (isParked(from) || !line.isRateLimited) return undefined;
    // what was parked before goes first: else, over its rate, the endpoint would serve only what comes last
    return hindrance !== undefined || line.parked.length > 0 || line.askedInVain ? { go: 'park', reason: 'over_rate' } : undefined;
  }

  private tellCircuit(line: Line, why: 'failures' | 'asked_to_wait' | 'reset'): void {
    const isClosed = line.circuit.is === 'closed';
    if (isClosed === (line.openSinceMs === undefined)) return;
    const now = this.clock();
    const openMs = Math.round(now - (line.openSinceMs ?? now));
    line.openSinceMs = isClosed ? undefined : now;
    const of = { endpointId: line.endpointId, tenant: line.tenant, lastFailure: line.lastFailure };
    if (isClosed) this.onCircuit({ ...of, is: 'closed', reason: why === 'reset' ? 'reset' : 'answered', openMs });
    else this.onCircuit({ ...of, is: 'opened', reason: why === 'asked_to_wait' ? why : 'failures' });
  }

  private offerRoom(line: Line, now: number): void {
    if (!line.askedInVain || this.parkedWanted(line, now) === 0) return;
    line.askedInVain = false;
    this.onRoom(line.endpointId);
  }

  /** Not for every slot that falls free: half of what a slice would be at least. */
  private parkedWanted(line: Line, now: number): number {
    if (this.waitingBytes >= this.limits.maxWaitingBytes) return 0;
    const more = line.parkedWanted(PARKED_ROUNDS, PARKED_SLICE_MAX, now);
    return more >= line.parked.length ? more : 0;
  }

  private isNext(line: Line, from: Place): boolean {
    if (isBulk(from)) return line.bulk.length === 0 && line.waitingFirst === 0;
    return (from === 'parked' ? line.parked : line.fresh).length === 0;
  }

  /** What is parked was read because there was room; only that of bulk may find that others have taken it. */
  private isFull(line: Line, from: Place, bytes: number): boolean {
    const { maxWaitingPerEndpoint, maxWaitMs, maxWaitingBytes } = this.limits;
    if (from === 'parked') return false;
    const [own, bytesMax] = isBulk(from) ? [line.bulk, maxWaitingBytes * BULK_SHARE] : [line.fresh, maxWaitingBytes];
    if (from === 'parked_bulk') return this.waitingBytes + bytes > bytesMax;
    return own.length >= maxWaitingPerEndpoint || line.expectedWaitMs(from) > maxWaitMs || this.waitingBytes + bytes > bytesMax;
  }

  private mayBegin(line: Line, from: Place, now: number): boolean {
    if (!line.hasRoom || this.inFlight >= this.limits.slots) return false;
    if (isBulk(from) && this.bulkInFlight >= this.limits.slots * BULK_SHARE) return false;
    if (line.maybeLong && !(isBulk(from) ? this.bulkLongAllowed : this.longAllowed)) return false;
    return this.tenantMay(line.tenant) && line.hindrance(now) === undefined;
  }

  private get longAllowed(): boolean {
    return this.longInFlight < this.limits.slots * LONG_SHARE;
  }

  private get bulkLongAllowed(): boolean {
    return this.longAllowed && this.bulkLongInFlight < this.limits.slots * LONG_SHARE * BULK_SHARE;
  }

  /** For the slots that fall free. */
  private queueUp(line: Line): void {
    if (!line.hasRoom) return;
    if (line.waitingFirst > 0) this.turns.add(line);
    if (line.bulk.length > 0) this.bulkTurns.add(line);
  }

  private tenantMay(tenant: string): boolean {
    const { slots } = this.limits;
    const short = slots - this.inFlight < slots * SHORT_BELOW;
    return !short || (this.tenants.get(tenant) ?? 0) < slots * TENANT_SHARE;
  }

  private begin(line: Line, from: Place, now: number): Admission {
    this.inFlight += 1;
    if (isBulk(from)) this.bulkInFlight += 1;
    if (line.maybeLong) this.takeLongPlace(line, from);
    this.tenants.set(line.tenant, (this.tenants.get(line.tenant) ?? 0) + 1);
    return { go: 'begin', probe: line.begin(now) };
  }

  /** What it begins as it ends as: a line that proves itself meanwhile gives its places back one by one. */
  private takeLongPlace(line: Line, from: Place): void {
    line.longPlaces += 1;
    this.longInFlight += 1;
    if (!isBulk(from)) return;
    line.bulkLongPlaces += 1;
    this.bulkLongInFlight += 1;
  }

  /** What began as quick and hangs holds a place for long attempts by now; and its line begins no more but in such places. */
  private countLong(line: Line, now: number): void {
    const wasLong = line.maybeLong;
    const long = line.look(now);
    if (long > line.longPlaces) {
      this.longInFlight += long - line.longPlaces;
      line.longPlaces = long;
    }
    if (line.waiting > 0 && line.maybeLong !== wasLong) this.queueUp(line);
  }

  private release(line: Line, from: Place): void {
    this.inFlight -= 1;
    if (isBulk(from)) this.bulkInFlight -= 1;
    if (isBulk(from) && line.bulkLongPlaces > 0) {
      line.bulkLongPlaces -= 1;
      this.bulkLongInFlight -= 1;
    }
    if (line.longPlaces > 0) {
      line.longPlaces -= 1;
      this.longInFlight -= 1;
    }
    const left = (this.tenants.get(line.tenant) ?? 1) - 1;
    if (left > 0) this.tenants.set(line.tenant, left);
    else this.tenants.delete(line.tenant);
  }

  /** Others before bulk, but for every eighth. */
  private serve(now: number): void {
    while (this.inFlight < this.limits.slots) {
      const bulkIsNext = this.firstInARow >= FIRST_IN_A_ROW;
      const served = bulkIsNext ? this.serveBulk(now) || this.serveFirst(now) : this.serveFirst(now) || this.serveBulk(now);
      if (!served) return;
    }
  }

  /** Line by line, one at a time: no endpoint's queue is served out before the next gets its turn. */
  private serveFirst(now: number): boolean {
    const line = this.turns.next((candidate) => candidate.waitingFirst > 0 && this.mayBegin(candidate, 'turn', now), this.longAllowed);
    const waiter = line?.next();
    if (!line || !waiter) return false;
    this.firstInARow += 1;
    this.admit(line, waiter, 'turn', now);
    return true;
  }

  private serveBulk(now: number): boolean {
    const line = this.bulkTurns.next((candidate) => candidate.bulk.length > 0 && this.mayBegin(candidate, 'bulk', now), this.bulkLongAllowed);
    const waiter = line?.nextBulk();
    if (!line || !waiter) return false;
    this.firstInARow = 0;
    this.admit(line, waiter, 'bulk', now);
    return true;
  }

  private admit(line: Line, waiter: Waiter, from: Place, now: number): void {
    this.waitingBytes -= waiter.bytes;
    waiter.tell(this.begin(line, from, now));
    if (line.waiting === 0 || !line.hasRoom) return;
    if (line.hindrance(now) === undefined) this.queueUp(line);
    else this.heldBack.add(line);
  }

  private parkTheLate(line: Line, waiting: Line['fresh'], now: number): void {
    // what was parked already would only be read again
    for (let first = waiting.peek(); first !== undefined && !isParked(first.from) && now - first.since > this.limits.maxWaitMs; first = waiting.peek()) {
      waiting.shift();
      this.turnAway(first, line.hindrance(now) ?? 'at_cap');
    }
  }

  private turnAwayAll(line: Line, reason: ParkReason): void {
    for (const waiting of [line.fresh, line.bulk, line.parked]) for (let waiter = waiting.shift(); waiter !== undefined; waiter = waiting.shift()) this.turnAway(waiter, reason);
    line.parkedInBulk = 0;
    this.turns.delete(line);
    this.bulkTurns.delete(line);
  }

  private turnAway(waiter: Waiter, reason: ParkReason): void {
    this.waitingBytes -= waiter.bytes;
    waiter.tell(turnedAway(waiter.from, reason));
  }

  private forget(): void {
    for (const [id, line] of this.lines) {
      if (!line.forgettable) continue;
      this.lines.delete(id);
      this.heldBack.delete(line);
    }
  }
}

const turnedAway = (from: Place, reason: ParkReason): Admission => (isParked(from) ? { go: 'stay' } : { go: 'park', reason });
