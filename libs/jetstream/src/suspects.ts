import type { Logger } from '@spillway/telemetry';
import { isPassing } from './errors.ts';
import type { FirstSlices } from './first-slices.ts';
import { SuspectLane, type Burial } from './suspect-lane.ts';
import type { SuspectMarkers } from './suspect-markers.ts';
import { afterThrow, isSuspect, SUSPECT_AFTER, type PipelineReason, type Thrown } from './suspicion.ts';
import { Turnstile } from './turnstile.ts';
import type { Left } from './subject-queue.ts';
import type { WaitingMessage } from './waiting-message.ts';

export type SuspectsOptions = {
  markers: SuspectMarkers;
  judgeThrow: (error: unknown, message: WaitingMessage) => Thrown;
  bury: Burial;
  /** Told which message is worked alone from now on, and when none is any more. */
  onAlone?: (origin: string | undefined) => void;
  /** How long a suspect is worked without anything beside it. */
  aloneMs?: number;
  log: Logger;
};

/** Origins of which something is remembered, some 100 B each; the oldest is forgotten first. */
const REMEMBERED_MAX = 10_000;
/** Throws written down at a time: when everything throws, it is not this message, and the bucket of the leases must not suffer for it. */
const NOTING_MAX = 8;

/** What may be wrong with a message itself: who comes back again and again without an outcome is worked alone, and who ends its worker, or throws, three times is buried. */
export class Suspects {
  readonly turnstile = new Turnstile();
  readonly buried = new Map<PipelineReason, number>();
  private readonly lane: SuspectLane;
  /** How often each came to an end here in good order without an outcome: such a delivery is no reason for a suspicion. */
  private readonly explained = new Map<string, number>();
  /** Who threw, and has a marker that says how often. */
  private readonly throwers = new Set<string>();
  private noting = 0;

  constructor(private readonly options: SuspectsOptions) {
    const { turnstile } = this;
    const { markers, judgeThrow, onAlone, aloneMs, log } = options;
    this.lane = new SuspectLane({ markers, turnstile, judgeThrow, aloneMs, log, bury: (...burial) => this.bury(...burial), onPassing: (message) => this.explain(message), onAlone: (origin) => onAlone?.(origin) });
  }

  /** Suspects taken and not ended. */
  get inHand(): number {
    return this.lane.inHand;
  }

  /** How many were worked under a marker. */
  get worked(): number {
    return this.lane.worked;
  }

  /** Asked once for each message: almost always an addition and two comparisons. */
  includes(message: WaitingMessage, first: FirstSlices | undefined): boolean {
    if (message.deliveries > SUSPECT_AFTER && isSuspect(message.deliveries, this.explained.get(message.origin))) return true;
    if (this.throwers.size > 0 && this.throwers.has(message.origin)) return true;
    return first?.includes(message.subject) === true;
  }

  /** In its turn, under its marker. Never rejects. */
  work(message: WaitingMessage, run: () => Promise<Left>): Promise<Left> {
    return this.lane.enter(message, run);
  }

  /** Whoever was no suspect threw. Never rejects. */
  async threw(message: WaitingMessage, error: unknown): Promise<void> {
    try {
      const thrown = this.options.judgeThrow(error, message);
      if (thrown === 'passing') this.explain(message);
      else if (thrown === 'unreadable') await this.bury(message, { reason: 'unreadable', detail: (error as Error).message, blind: false });
      else await this.note(message);
    } catch (failure) {
      if (!isPassing(failure)) this.options.log.error({ err: failure, origin: message.origin }, 'what is wrong with a message could not be noted');
    }
  }

  /** Who waits for its turn stays where it waits. */
  close(): void {
    this.lane.close();
  }

  private explain({ origin }: WaitingMessage): void {
    const times = (this.explained.get(origin) ?? 0) + 1;
    this.explained.delete(origin);
    this.explained.set(origin, times);
    if (this.explained.size > REMEMBERED_MAX) this.explained.delete(this.explained.keys().next().value as string);
  }

  private async note(message: WaitingMessage): Promise<void> {
    if (this.noting >= NOTING_MAX || this.throwers.size >= REMEMBERED_MAX) return;
    this.noting += 1;
    try {
      const { origin } = message;
      const wanted = (): boolean => message.owned();
      const { markers } = this.options;
      let revision = await markers.write(origin, afterThrow(origin, undefined), 0, wanted);
      if (revision === undefined) {
        const found = await markers.read(origin);
        revision = found && (await markers.write(origin, afterThrow(origin, found.marker), found.revision, wanted));
      }
      if (revision !== undefined) this.throwers.add(origin);
    } finally {
      this.noting -= 1;
    }
  }

  private async bury(message: WaitingMessage, why: Parameters<Burial>[1]): Promise<void> {
    await this.options.bury(message, why);
    if (message.removed !== true) return;
    this.throwers.delete(message.origin);
    this.buried.set(why.reason, (this.buried.get(why.reason) ?? 0) + 1);
  }
}
