import type { CapEvent } from '@spillway/delivery';
import { Line, type Waiter } from './line.ts';

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

/** Read from PARKED at once: a few rounds of the cap, so that slices are worth their request. */
const PARKED_ROUNDS = 4;
const PARKED_SLICE_MAX = 256;
const IDLE_LINES_MAX = 10_000;

/**
 * Who may begin an attempt now. Per endpoint a cap, over all of the process a number of slots; lines that could begin take turns. Plain memory, and right
 * over all replicas, because a shard has one owner.
 */
export class Gate {
  private readonly lines = new Map<string, Line>();
  /** Lines with somebody waiting and room under their cap, in the order of their turns. */
  private readonly ready = new Set<Line>();
  private inFlight = 0;
  private waitingBytes = 0;
  private parkedNow = 0;

  constructor(
    private readonly limits: GateLimits,
    /** Somebody asked in vain for room for parked deliveries of this endpoint, and now there is. */
    private readonly onRoom: (endpointId: string) => void = () => undefined,
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

  /** @param limit how many at once this app may have at this endpoint */
  line(endpointId: string, limit: number): Line {
    let line = this.lines.get(endpointId);
    if (!line) {
      if (this.lines.size >= IDLE_LINES_MAX) this.forgetIdle();
      line = new Line(endpointId, limit);
      this.lines.set(endpointId, line);
    }
    line.limitTo(limit);
    return line;
  }

  /** @returns true: begin, and say `leave` when done; false: park it */
  enter(line: Line, from: 'turn' | 'parked', bytes: number): boolean | Promise<boolean> {
    if (line.hasRoom && this.inFlight < this.limits.slots && (from === 'parked' ? line.parked : line.fresh).length === 0) {
      this.begin(line);
      return true;
    }
    if (from === 'turn' && this.isFull(line, bytes)) return false;
    return new Promise((resolve) => {
      (from === 'parked' ? line.parked : line.fresh).push({ since: performance.now(), bytes, go: resolve });
      this.waitingBytes += bytes;
      if (line.hasRoom) this.ready.add(line);
    });
  }

  leave(line: Line, event: CapEvent, durationMs: number): void {
    this.inFlight -= 1;
    line.ended(event, durationMs);
    if (line.waiting > 0 && line.hasRoom) this.ready.add(line);
    this.serve();
    if (line.askedInVain && this.parkedWanted(line) > 0) {
      line.askedInVain = false;
      this.onRoom(line.endpointId);
    }
  }

  /** How many more parked deliveries of this endpoint may be read now. */
  roomForParked(line: Line): number {
    const room = this.parkedWanted(line);
    line.askedInVain = room === 0;
    return room;
  }

  /** What waits longer than it was expected to gives its place up. Called a few times a second. */
  parkTheLate(now = performance.now()): void {
    for (const line of this.lines.values()) {
      for (let first = line.fresh.peek(); first !== undefined && now - first.since > this.limits.maxWaitMs; first = line.fresh.peek()) {
        line.fresh.shift();
        this.release(first, false);
      }
      if (line.waiting === 0) this.ready.delete(line);
    }
  }

  /** Everybody who waits is told to park: for a stop. What was read from PARKED simply stays there. */
  turnAway(): void {
    for (const line of this.lines.values()) {
      for (let waiter = line.next(); waiter !== undefined; waiter = line.next()) this.release(waiter, false);
    }
    this.ready.clear();
  }

  /** Not for every slot that falls free: half a slice at least. */
  private parkedWanted(line: Line): number {
    const want = Math.min(PARKED_SLICE_MAX, line.capNow * PARKED_ROUNDS);
    const more = want - line.parked.length;
    return more >= want / 2 && this.waitingBytes < this.limits.maxWaitingBytes ? more : 0;
  }

  private isFull(line: Line, bytes: number): boolean {
    return (
      line.fresh.length >= this.limits.maxWaitingPerEndpoint || line.expectedWaitMs() > this.limits.maxWaitMs || this.waitingBytes + bytes > this.limits.maxWaitingBytes
    );
  }

  private begin(line: Line): void {
    this.inFlight += 1;
    line.inFlight += 1;
  }

  /** Line by line, one at a time: no endpoint's queue is served out before the next gets its turn. */
  private serve(): void {
    for (const line of this.ready) {
      if (this.inFlight >= this.limits.slots) return;
      this.ready.delete(line);
      const waiter = line.hasRoom ? line.next() : undefined;
      if (!waiter) continue;
      this.begin(line);
      this.release(waiter, true);
      if (line.waiting > 0 && line.hasRoom) this.ready.add(line); // at the end: iterated again in this loop
    }
  }

  private release(waiter: Waiter, begin: boolean): void {
    this.waitingBytes -= waiter.bytes;
    if (!begin) this.parkedNow += 1;
    waiter.go(begin);
  }

  private forgetIdle(): void {
    for (const [id, line] of this.lines) if (line.idle) this.lines.delete(id);
  }
}
