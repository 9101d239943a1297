import { setTimeout as after } from 'node:timers/promises';
import type { Logger } from '@spillway/telemetry';
import type { DurableMessage } from './durable-message.ts';
import { isPassing, OutcomeUnknown } from './errors.ts';
import type { Load } from './load.ts';
import type { PageEntry } from './page-entry.ts';
import { NOTING, PageInHand, type Noting } from './page-in-hand.ts';
import type { PageLine } from './page.ts';
import type { PageNotes } from './page-notes.ts';
import type { WaitingMessage } from './waiting-message.ts';

/** What is left to be worked one by one (`undefined` in its place: all of it); and when the others, which need nothing more, are done with. If it rejects they are worked one by one, too. */
export type Screened = { left: ReadonlySet<WaitingMessage>; done: Promise<unknown> };

export type PageWorkerOptions = {
  /** One message of a page; resolves when it is done with it, whether or not it was removed. Never rejects. */
  work: (message: WaitingMessage) => Promise<void>;
  /** Asked of each page that comes for the first time, in place of `work` for whatever it screens out. */
  screen?: ((messages: readonly WaitingMessage[]) => Screened | undefined) | undefined;
  load: Load;
  notes: PageNotes;
  noting?: Noting | undefined;
  log: Logger;
};

/** As soon as the server would hand out again what was left unacked (`ack_wait`). */
const AGAIN_AFTER_MS = 5_000;
/** Whether anything is to be written down. */
const LOOK_EVERY_MS = 1_000;

/** Works the messages of a page one by one until each has an outcome, and knows which have when it comes again. */
export class PageWorker {
  private readonly pages = new Set<PageInHand>();
  /** Ends the waiting for another try. */
  private readonly ending = new AbortController();
  private isDraining = false;
  private lastLook = 0;

  constructor(private readonly options: PageWorkerOptions) {}

  /** Until the page is removed, or left to whoever is given it next. */
  async work(message: DurableMessage, lines: readonly PageLine[]): Promise<void> {
    const { notes, noting = NOTING } = this.options;
    const page = new PageInHand(message, lines, notes, noting);
    this.pages.add(page);
    try {
      if (await this.isDone(page)) await page.remove();
      else if (this.isDraining) await page.leave();
    } finally {
      this.pages.delete(page);
    }
  }

  tick(nowMs: number): void {
    if (nowMs - this.lastLook < LOOK_EVERY_MS) return;
    this.lastLook = nowMs;
    for (const page of this.pages) page.tick(nowMs);
  }

  /**
   * Nothing is tried again. What waits in a handler, for room in DELIVERY perhaps, may do so longer than this process has: so what is done is written down every
   * second from now on, however young a page.
   */
  async drain(allDone: Promise<unknown>): Promise<void> {
    this.isDraining = true;
    this.ending.abort();
    const looking = setInterval(() => this.pages.forEach((page) => void page.note()), LOOK_EVERY_MS);
    looking.unref();
    try {
      await allDone;
    } finally {
      clearInterval(looking);
    }
  }

  /** They are somebody else's: nothing is written any more. */
  abandon(): void {
    this.ending.abort();
    this.pages.clear();
  }

  /**
   * Those that come to no outcome are taken up again here, while the page is held: handed out again it would come with what is done already, perhaps to another
   * replica.
   */
  private async isDone(page: PageInHand): Promise<boolean> {
    if (!page.isFirst && !(await this.isRecalled(page))) return false;
    let left = await (page.isFirst ? this.workScreened(page.entries) : this.workEach(page.entries.filter(isLeft)));
    while (left.length > 0) {
      await this.pause(left.length);
      if (this.ending.signal.aborted || !page.owned()) return false;
      left = await this.workEach(left.filter(isLeft).map((entry) => entry.again()));
    }
    return true;
  }

  /**
   * Before anything of it is worked, and again as long as it takes: without the broker nothing could be done with it anyway, and it is held meanwhile. Where the
   * broker is there and gives no answer for minutes, or says no, it is worked whole: twice is better than never.
   * @returns false when it is to be left to whoever is given it next
   */
  private async isRecalled(page: PageInHand): Promise<boolean> {
    const { load, noting = NOTING, log } = this.options;
    const { count } = page.done;
    for (let unanswered = 0; ; ) {
      try {
        await load.during(count, () => page.recall());
        if (page.done.size > 0) log.info({ origin: page.origin, events: count, done: page.done.size }, 'a page came again: what is done of it is not done once more');
        return true;
      } catch (error) {
        if (error instanceof OutcomeUnknown) unanswered += 1;
        if (!isPassing(error) || unanswered >= noting.unansweredMax) {
          log.warn({ err: error, origin: page.origin }, 'what is done of a page cannot be read: all of it is worked');
          return true;
        }
      }
      await this.pause(count);
      if (this.ending.signal.aborted || !page.owned()) return false;
    }
  }

  private pause(messages: number): Promise<void> {
    return this.options.load.during(messages, () => after(AGAIN_AFTER_MS, undefined, { signal: this.ending.signal }).catch(() => undefined));
  }

  /** @returns those that came to no outcome */
  private async workScreened(entries: readonly PageEntry[]): Promise<readonly PageEntry[]> {
    const screened = this.options.screen?.(entries);
    if (!screened || screened.left.size === entries.length) return this.workEach(entries);
    const out = entries.filter((entry) => !screened.left.has(entry));
    await Promise.all([this.workEach(entries.filter((entry) => screened.left.has(entry))), this.untilTold(screened.done, out)]);
    return entries.filter(isLeft);
  }

  /** They take no room but that of their bytes: more of their kind may come meanwhile. */
  private async untilTold(done: Promise<unknown>, out: readonly PageEntry[]): Promise<void> {
    const { load } = this.options;
    load.screenedOut += out.length;
    const isDone = await done.then(() => true, () => false);
    load.screenedOut -= out.length;
    // or they are handed on after all
    if (isDone) for (const entry of out) entry.remove();
  }

  private async workEach(entries: readonly PageEntry[]): Promise<readonly PageEntry[]> {
    await Promise.all(entries.map((entry) => this.options.work(entry)));
    return entries.filter(isLeft);
  }
}

const isLeft = ({ removed }: PageEntry): boolean => !removed;
