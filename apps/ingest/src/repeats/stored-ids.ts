/** Slots that an id may lie in, side by side: the eldest of these goes when all of them are taken. */
const WAYS = 8;
/** `evt_` and 22 characters, of which the first four are left out; two bytes stay free, so that the checksum's eight begin a word. */
const ID_AT = 4;
const CHECKSUM_AT = 28;
const PROBE_BYTES = 36;
/** Of an id six words, of a checksum two. */
const WORDS = 8;
const ID_WORDS = 6;

/**
 * Ids of events on disk with their bodies' checksums, each held for so long: flat words in sets of eight, 40 bytes an id with its time, made once, where nothing is
 * allocated or left behind. (In an `AgingMap`, as dedupe has it, 255 bytes an id, measured, all of which the garbage collector walks through.)
 * Near its bound it forgets some early, by set (65,536 ids in as many slots: 56,365 are held): they go the usual way, and dedupe drops them.
 */
export class StoredIds {
  private readonly ways: number;
  private readonly sets: number;
  private readonly words: Int32Array;
  private readonly storedAtMs: Float64Array;
  /** What is looked for, as text and as words. */
  private readonly text = Buffer.from(new ArrayBuffer(PROBE_BYTES));
  private readonly probe = new Int32Array(this.text.buffer, ID_AT);

  constructor(
    readonly idsMax: number,
    private readonly heldMs: number,
  ) {
    this.ways = Math.min(WAYS, idsMax);
    this.sets = this.ways === 0 ? 0 : Math.floor(idsMax / this.ways);
    this.words = new Int32Array(this.sets * this.ways * WORDS);
    this.storedAtMs = new Float64Array(this.sets * this.ways).fill(Number.NEGATIVE_INFINITY);
  }

  /** Where it lies; -1: it is not known, or no longer. @param nowMs monotonic */
  find(eventId: string, nowMs: number): number {
    const first = this.firstOf(eventId);
    for (let slot = first; slot < first + this.ways; slot += 1) if (this.holds(slot, 0, ID_WORDS)) return this.isLive(slot, nowMs) ? slot : -1;
    return -1;
  }

  /** Whether what lies there has this body. */
  hasBody(slot: number, checksum: string): boolean {
    this.text.write(checksum, CHECKSUM_AT, 'latin1');
    return this.holds(slot, ID_WORDS, WORDS);
  }

  /** It is on disk now. An id that is held with another body keeps that one: what came first is the event. */
  store(eventId: string, checksum: string, nowMs: number): void {
    const first = this.firstOf(eventId);
    this.text.write(checksum, CHECKSUM_AT, 'latin1');
    let slot = first;
    for (let at = first; at < first + this.ways; at += 1) {
      if (this.holds(at, 0, ID_WORDS)) {
        if (this.isLive(at, nowMs) && !this.holds(at, ID_WORDS, WORDS)) return;
        slot = at;
        break;
      }
      if (this.timeOf(at) < this.timeOf(slot)) slot = at;
    }
    for (let word = 0; word < WORDS; word += 1) this.words[slot * WORDS + word] = this.probe[word] as number;
    this.storedAtMs[slot] = nowMs;
  }

  forget(): void {
    this.storedAtMs.fill(Number.NEGATIVE_INFINITY);
  }

  /** For people: walks through all of them. */
  count(nowMs: number): number {
    let count = 0;
    for (let slot = 0; slot < this.storedAtMs.length; slot += 1) if (this.isLive(slot, nowMs)) count += 1;
    return count;
  }

  /** Puts the id into the probe. @returns the first slot of its set: by eight of its characters, which are of a hash */
  private firstOf(eventId: string): number {
    this.text.write(eventId, 0, 'latin1');
    const mixed = Math.imul(this.probe[0] as number, 0x9e3779b1) ^ Math.imul(this.probe[1] as number, 0x85ebca6b);
    return (((mixed ^ (mixed >>> 15)) >>> 0) % this.sets) * this.ways;
  }

  private holds(slot: number, from: number, to: number): boolean {
    const base = slot * WORDS;
    for (let word = from; word < to; word += 1) if (this.words[base + word] !== this.probe[word]) return false;
    return true;
  }

  private isLive(slot: number, nowMs: number): boolean {
    return nowMs - this.timeOf(slot) < this.heldMs;
  }

  private timeOf(slot: number): number {
    return this.storedAtMs[slot] as number;
  }
}
