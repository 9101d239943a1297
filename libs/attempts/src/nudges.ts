/** An owner lists what is parked every 5 s; told sooner, at most this often a subject. */
const EVERY_MS = 200;
const REMEMBERED_MAX = 10_000;

type Told = { atMs: number; again?: NodeJS.Timeout };

/** Tells the owner of a parked subject that something came there: at once, and of what comes within 200 ms of that once more in the end; it has read the subject by then, perhaps. */
export class Nudges {
  private readonly told = new Map<string, Told>();

  /** @param say tells the owner that the subject has something */
  constructor(private readonly say: (parkedOn: string) => void) {}

  came(parkedOn: string): void {
    const last = this.told.get(parkedOn);
    if (last?.again) return;
    const restMs = last ? last.atMs + EVERY_MS - performance.now() : 0;
    if (last === undefined || restMs <= 0) this.tell(parkedOn);
    else last.again = setTimeout(() => this.tell(parkedOn), restMs).unref();
  }

  /** Those that wait for their end are told now. */
  close(): void {
    for (const [parkedOn, { again }] of this.told) {
      if (!again) continue;
      clearTimeout(again);
      this.say(parkedOn);
    }
    this.told.clear();
  }

  private tell(parkedOn: string): void {
    if (this.told.size >= REMEMBERED_MAX) this.forgetQuiet();
    this.told.set(parkedOn, { atMs: performance.now() });
    this.say(parkedOn);
  }

  /** Those that wait for their end are told within 200 ms, and can be forgotten then. */
  private forgetQuiet(): void {
    for (const [parkedOn, { again }] of this.told) if (!again) this.told.delete(parkedOn);
  }
}
