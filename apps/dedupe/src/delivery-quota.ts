import { setTimeout as wait } from 'node:timers/promises';
import { Stopped } from '@spillway/jetstream';

export type DeliveryBytes = { bytes: number; maxBytes: number };

export type DeliveryQuotaOptions = {
  /** How full WEBHOOK_DELIVERY is, as the server says, and what its limit is now: an operator may have raised it. */
  read: () => Promise<DeliveryBytes>;
  /** Told when bulk stops and when it goes on. */
  onChange?: (state: QuotaState) => void;
  /** It could not be read, and is asked again. */
  onFault?: (error: unknown) => void;
  clock?: () => number;
};

export type QuotaState = { moving: boolean; bytes: number; maxBytes: number };

/** The rest is for `fresh`, which goes on until the stream refuses. */
export const BULK_MAX_RATIO = 0.6;
/** A reading costs the server 0.3 ms. */
const READ_EVERY_MS = 250;
/** Also when nothing of bulk comes: `fresh` fills DELIVERY and dispatchers empty it, and whoever asks is to hear how it is. */
const LOOK_EVERY_MS = 2_000;

/**
 * `bulk` is written only while DELIVERY is below 60 % of its bytes. Between two readings we count what we write ourselves; so each replica exceeds it by no more
 * than the others write in a quarter of a second.
 */
export class DeliveryQuota {
  private known: DeliveryBytes | undefined;
  /** Since the last reading, and on their way: of those a reading has some, or none. */
  private written = 0;
  private underWay = 0;
  private readAt = Number.NEGATIVE_INFINITY;
  private reading: Promise<void> | undefined;
  private closed = false;
  private wasMoving = true;
  private readonly clock: () => number;
  private readonly looking: NodeJS.Timeout;

  constructor(private readonly options: DeliveryQuotaOptions) {
    this.clock = options.clock ?? (() => performance.now());
    this.looking = setInterval(() => this.isOld && void this.refresh(), LOOK_EVERY_MS);
    this.looking.unref();
  }

  get state(): QuotaState {
    const { bytes, maxBytes } = this.known ?? { bytes: 0, maxBytes: 0 };
    return { moving: this.isBelow, bytes: bytes + this.written + this.underWay, maxBytes };
  }

  /** May more be taken? While not, it looks again by itself: asked often, it answers from memory. @param idle nothing is in hand, so nothing has changed by us, and the slow look is enough */
  mayTake(idle: boolean): boolean {
    const below = this.isBelow;
    if (!(below && idle) && this.isOld) void this.refresh();
    return below;
  }

  /**
   * Resolves when so many bytes may be written, and counts them.
   * @returns to be called when they are stored, or given up: the next reading knows
   * @throws Stopped when it is closed meanwhile
   */
  async mayWrite(bytes: number): Promise<() => void> {
    for (;;) {
      if (this.isOld) await this.refresh();
      if (this.closed) throw new Stopped('an event in bulk waited for room in WEBHOOK_DELIVERY');
      if (!this.isOld && this.isBelow) break;
      await wait(READ_EVERY_MS * (0.75 + Math.random() / 2));
    }
    this.underWay += bytes;
    return () => {
      this.underWay -= bytes;
      this.written += bytes;
    };
  }

  /** Whoever waits is sent away: what is not written comes again. */
  close(): void {
    this.closed = true;
    clearInterval(this.looking);
  }

  private get isOld(): boolean {
    return this.clock() - this.readAt >= READ_EVERY_MS;
  }

  private get isBelow(): boolean {
    return this.known !== undefined && this.known.bytes + this.written + this.underWay < this.known.maxBytes * BULK_MAX_RATIO;
  }

  private refresh(): Promise<void> {
    this.reading ??= this.readNow().finally(() => (this.reading = undefined));
    return this.reading;
  }

  private async readNow(): Promise<void> {
    const before = this.written;
    const askedAt = this.clock();
    try {
      this.known = await this.options.read();
      this.readAt = askedAt;
      this.written -= before;
    } catch (error) {
      this.options.onFault?.(error); // what stood before stands until it is old, and then nothing is written
      return;
    }
    const { moving } = this.state;
    if (moving !== this.wasMoving) this.options.onChange?.(this.state);
    this.wasMoving = moving;
  }
}
