/**
 * So long the batches of all requests may hold up everything else at a stretch. An event is not divided: 256 KiB of distinct keys take JSON.parse some 15 ms, and
 * up to 60 with what they leave to the garbage collector, alone as in a batch. 4 MiB at one stretch took up to 0.7 s (16 CloudEvents with 30,000 attributes
 * each), 60 ms of plain numbers, 15 ms of plain text.
 */
const SLICE_MS = 10;

/**
 * Work on many items that lets the event loop turn in between: other requests are read and answered, however much somebody sends at once. All such work shares
 * one slice a turn, and whoever could not finish in it comes again behind the others that wait; so ten large batches do not make a turn ten times as long,
 * and a small one does not wait for the whole of a large one.
 */
export class Slices {
  private readonly waiting: (() => void)[] = [];
  /** Of this turn of the loop (monotonic ms); undefined: nobody has worked in it. */
  private endsAt: number | undefined;

  constructor(private readonly now: () => number = () => performance.now()) {}

  /** What `work` makes of each item, in their order. @throws what `work` throws, or the items themselves, at the first */
  async each<T, R>(items: Iterable<T>, work: (item: T, at: number) => R): Promise<R[]> {
    const made: R[] = [];
    for (const item of items) {
      if (this.isOver()) await this.turn();
      made.push(work(item, made.length));
    }
    return made;
  }

  private isOver(): boolean {
    if (this.endsAt === undefined) this.begin();
    return this.now() >= (this.endsAt ?? 0);
  }

  private begin(): void {
    this.endsAt = this.now() + SLICE_MS;
    setImmediate(() => {
      this.endsAt = undefined;
      const next = this.waiting.shift();
      if (!next) return;
      this.begin();
      next();
    });
  }

  private turn(): Promise<void> {
    return new Promise((resume) => this.waiting.push(resume));
  }
}
