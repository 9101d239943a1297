/** What may wait for company: a group goes when so many are there, or when the first of them has waited that long. */
export type Linger = {
  ms: number;
  messages: number;
  /** Nobody else may begin anything just now, so no company can come. */
  isAlone?: () => boolean;
};

/**
 * Of the lane bulk, which nobody waits for. A group costs the broker 0.3 ms of processor as one message and 2 to 4 as a batch, of ten as of a hundred, and whoever is fresh waits behind
 * it in the same stream: beside a tenant that is refused for its share, two cores, groups in DELIVERY 79 → 49 a second, and a neighbour's 90th percentile 14–21 → 11–13 ms (measured).
 * Under load the 64 are there at once, or as many bytes as a group may have, and nothing waits.
 */
export const BULK_LINGER: Linger = { ms: 50, messages: 64 };

/** Says of what waits whether it waits on. Without a linger it never does. */
export class Lingering {
  private timer: NodeJS.Timeout | undefined;
  private isOver = false;

  constructor(
    private readonly linger: Linger | undefined,
    private readonly onOver: () => void,
  ) {}

  /**
   * @param waiting how many are there now, not one of them taken
   * @param isFull they are as much as a group may be, however few
   */
  holds(waiting: number, isFull: boolean): boolean {
    if (this.linger === undefined || this.isOver || isFull || waiting >= this.linger.messages || this.linger.isAlone?.() === true) return false;
    this.timer ??= this.begin(this.linger.ms);
    return true;
  }

  /** A group was taken: for what is left, and what comes, it begins anew. */
  taken(): void {
    clearTimeout(this.timer);
    this.timer = undefined;
    this.isOver = false;
  }

  private begin(ms: number): NodeJS.Timeout {
    const timer = setTimeout(() => {
      this.timer = undefined;
      // it stands until they are taken: other groups may be under way until then
      this.isOver = true;
      this.onOver();
    }, ms);
    return timer.unref();
  }
}
