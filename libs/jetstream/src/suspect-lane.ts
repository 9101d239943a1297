import type { Logger } from '@spillway/telemetry';
import { isPassing } from './errors.ts';
import type { Left } from './subject-queue.ts';
import type { SuspectMarkers } from './suspect-markers.ts';
import { afterThrow, CRASHES_MAX, isCharged, judge, THROWS_MAX, type Marker, type PipelineReason, type Thrown, type Verdict } from './suspicion.ts';
import type { Turnstile } from './turnstile.ts';
import type { WaitingMessage } from './waiting-message.ts';

/** Keeps it as a dead letter of the pipeline, says so, and removes it. @param why `blind`: without reading it */
export type Burial = (message: WaitingMessage, why: { reason: PipelineReason; detail: string; blind: boolean }) => Promise<void>;

export type SuspectLaneOptions = {
  markers: SuspectMarkers;
  turnstile: Turnstile;
  judgeThrow: (error: unknown, message: WaitingMessage) => Thrown;
  bury: Burial;
  onPassing: (message: WaitingMessage) => void;
  onAlone: (origin: string | undefined) => void;
  /** How long one is worked without anything beside it. */
  aloneMs?: number | undefined;
  log: Logger;
};

type Suspect = { message: WaitingMessage; run: () => Promise<Left>; tell: (left: Left) => void; putOff: boolean };
type Marked = { verdict: Verdict; revision: number };
type End = { left: Left } | { error: unknown };

/** A message that ends its worker does so at once, or blocks it, and then nothing else begins anyway. Whoever takes longer than this waits for something, and others begin beside it. */
const ALONE_MS = 250;
/** An attempt (15 s) and its settling: so long no other suspect begins beside one that is strict. */
const STRICT_MS = 20_000;
/** So long an end is tried to be noted, the broker being away. */
const NOTED_WITHIN_MS = 30_000;
/** Before one is worked that is charged already, what is under way may end: a crash of its own is a crash in an empty process. */
const QUIET_MS = 2_000;

/** One suspect at a time, under its marker. Others of this process begin between two of them, and those that are charged already come last. */
export class SuspectLane {
  worked = 0;
  inHand = 0;
  private readonly waiting: Suspect[] = [];
  private readonly charged: Suspect[] = [];
  private moving = false;
  private closed = false;

  constructor(private readonly options: SuspectLaneOptions) {}

  /** Resolves when it is done with the message. Never rejects. */
  async enter(message: WaitingMessage, run: () => Promise<Left>): Promise<Left> {
    if (this.closed) return undefined;
    this.inHand += 1;
    const done = new Promise<Left>((tell) => this.waiting.push({ message, run, tell, putOff: false }));
    void this.move();
    try {
      return await done;
    } finally {
      this.inHand -= 1;
    }
  }

  close(): void {
    this.closed = true;
    for (const { tell } of [...this.waiting.splice(0), ...this.charged.splice(0)]) tell(undefined);
  }

  private async move(): Promise<void> {
    if (this.moving) return;
    this.moving = true;
    for (let next = this.next(); next !== undefined; next = this.next()) await this.turn(next);
    this.moving = false;
  }

  private next(): Suspect | undefined {
    return this.waiting.shift() ?? this.charged.shift();
  }

  private async turn(suspect: Suspect): Promise<void> {
    const { turnstile, log } = this.options;
    try {
      turnstile.close();
      const marked = await this.mark(suspect);
      if (marked === 'later') this.charged.push(suspect);
      // removed, or somebody else's by now
      else if (marked === undefined) suspect.tell(undefined);
      else if (marked.verdict.go === 'bury') await this.bury(suspect, marked.verdict, marked.revision);
      else await this.workAlone(suspect, marked.verdict.marker, marked.revision);
    } catch (error) {
      if (!isPassing(error)) log.error({ err: error, origin: suspect.message.origin }, 'a suspect could not be worked, and comes again');
      suspect.tell(undefined);
    } finally {
      turnstile.open();
    }
    // whoever waited at the turnstile begins
    await new Promise(setImmediate);
  }

  private async mark(suspect: Suspect): Promise<Marked | 'later' | undefined> {
    const { markers, turnstile } = this.options;
    const { message } = suspect;
    const { origin } = message;
    const wanted = this.wantedOf(message);
    const innocent = judge(origin, undefined);
    // most have no marker: one write, and no look
    const revision = suspect.putOff ? undefined : await markers.write(origin, innocent.marker, 0, wanted);
    if (revision !== undefined) return { verdict: innocent, revision };
    if (!wanted()) return undefined;
    const found = await markers.read(origin);
    const verdict = judge(origin, found?.marker);
    if (isCharged(verdict.marker) && !suspect.putOff && this.waiting.length > 0) {
      suspect.putOff = true;
      return 'later';
    }
    if (isCharged(verdict.marker)) await turnstile.quiet(QUIET_MS);
    const written = await markers.write(origin, verdict.marker, found?.revision ?? 0, wanted);
    return written === undefined ? undefined : { verdict, revision: written };
  }

  private async workAlone(suspect: Suspect, marker: Marker, revision: number): Promise<void> {
    const { markers, turnstile, log, onAlone, aloneMs = ALONE_MS } = this.options;
    const { message } = suspect;
    this.worked += 1;
    if (marker.crashes > 0) log.warn({ origin: message.origin, crashes: marker.crashes }, 'a message that ended its worker is worked once more, alone');
    onAlone(message.origin);
    const ended = endOf(suspect.run);
    const soon = await Promise.race([ended, after(aloneMs)]);
    onAlone(undefined);
    if (soon) return this.finish(suspect, marker, revision, soon);
    const beside = await markers.write(message.origin, { ...marker, is: 'beside' }, revision, wantedStill(message));
    turnstile.open();
    const finished = ended.then((end) => this.finish(suspect, marker, beside ?? revision, end)).catch((error: unknown) => {
      log.error({ err: error, origin: message.origin }, 'the end of a suspect could not be noted');
      suspect.tell(undefined);
    });
    if (marker.strict === true) await Promise.race([finished, after(STRICT_MS)]);
    return undefined;
  }

  private async finish(suspect: Suspect, marker: Marker, revision: number, end: End): Promise<void> {
    const { judgeThrow, onPassing } = this.options;
    const { message, tell } = suspect;
    if ('left' in end) {
      await this.clear(message, marker, revision);
      return tell(end.left);
    }
    const thrown = judgeThrow(end.error, message);
    if (thrown === 'own') return this.threw(suspect, marker, revision, end.error);
    if (thrown === 'unreadable') return this.bury(suspect, { marker, reason: 'unreadable', blind: false }, revision, end.error);
    onPassing(message);
    await this.clear(message, marker, revision);
    return tell(undefined);
  }

  private async threw(suspect: Suspect, before: Marker, revision: number, error: unknown): Promise<void> {
    const { message, tell } = suspect;
    const marker = afterThrow(message.origin, before);
    const written = await this.options.markers.write(message.origin, marker, revision, wantedStill(message));
    if (marker.throws >= THROWS_MAX && written !== undefined) return this.bury(suspect, { marker, reason: 'internal', blind: false }, written, error);
    return tell(undefined);
  }

  private async bury({ message, tell }: Suspect, { marker, reason, blind }: Pick<Extract<Verdict, { go: 'bury' }>, 'marker' | 'reason' | 'blind'>, revision: number, error?: unknown): Promise<void> {
    try {
      if (message.owned()) await this.options.bury(message, { reason, blind, detail: detailOf(reason, marker, error) });
    } finally {
      await this.clear(message, marker, revision, true);
    }
    tell(undefined);
  }

  /**
   * It came to an end in good order. What has no outcome yet keeps what was counted; and what was buried out of a page for its crashes does, too: the page comes again when another of it
   * ends its worker, and then this one is buried at once, not found anew by three crashes more (three on one page would cost 41).
   */
  private async clear(message: WaitingMessage, marker: Marker, revision: number, isBurial = false): Promise<void> {
    const { markers } = this.options;
    const mayComeAgain = isBurial && message.place !== undefined && marker.crashes > 0;
    const keeps = mayComeAgain || (message.removed !== true && (marker.crashes > 0 || marker.throws > 0));
    if (keeps) await markers.write(message.origin, { ...marker, is: 'resting' }, revision, wantedStill(message));
    else await markers.remove(message.origin, revision, withinNoted());
  }

  private wantedOf(message: WaitingMessage): () => boolean {
    return () => !this.closed && message.owned();
  }
}

const detailOf = (reason: PipelineReason, { crashes }: Marker, error: unknown): string => {
  if (reason === 'poison') return `it ended or blocked its worker ${Math.min(crashes, CRASHES_MAX)} times while it was worked alone`;
  return error instanceof Error ? `${error.name}: ${error.message}` : (JSON.stringify(error) ?? 'its handler threw');
};

const endOf = async (run: () => Promise<Left>): Promise<End> => {
  try {
    return { left: await run() };
  } catch (error) {
    return { error };
  }
};

const after = (ms: number): Promise<undefined> => new Promise((resolve) => setTimeout(() => resolve(undefined), ms).unref());

const withinNoted = (): (() => boolean) => {
  const until = performance.now() + NOTED_WITHIN_MS;
  return () => performance.now() < until;
};

/** Also when nothing more is begun: an end that is not noted looks like a crash. */
const wantedStill = (message: WaitingMessage): (() => boolean) => {
  const inTime = withinNoted();
  return () => message.owned() && inTime();
};
