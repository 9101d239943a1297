import type { DurableMessage } from './durable-message.ts';
import { PageEntry } from './page-entry.ts';
import type { PageLine } from './page.ts';
import type { PageNotes } from './page-notes.ts';
import { DonePlaces } from './page-progress.ts';

/** When what is done of a page is written down, and how often it is asked for in vain; tests have less time. */
export type Noting = { afterMs: number; everyMs: number; unansweredMax: number };

/**
 * Should its worker be killed, a page comes again whole, and what was done of it is published once more; the broker drops that for 120 s (`duplicate_window` of
 * DELIVERY). So what is done need be written down only once it is about to be older than that: after 60 s in hand, half of it, and then every 10 s. What a kill
 * finds unwritten was done less than 60 s ago, or less than 10 s; the page comes again 5 s later (`ack_wait`): 65 s, and 55 s are left for somebody to be there.
 * A page that is worked as it should be is in hand for milliseconds, and costs nothing.
 * Asked for, each try waits 5 s for its answer and 5 s more for the next: two minutes. While the broker is away none is counted.
 */
export const NOTING: Noting = { afterMs: 60_000, everyMs: 10_000, unansweredMax: 12 };

/** A page while somebody works it: its messages, and what is known of which are done with. */
export class PageInHand {
  readonly entries: readonly PageEntry[];
  readonly done: DonePlaces;
  /** Of the note, as we know it; 0 while there is none. */
  private revision = 0;
  private notedSize = 0;
  /** An answer may have been lost: then there is one all the same. */
  private mayBeNoted = false;
  private dueMs: number;
  private writing: Promise<void> | undefined;

  constructor(
    private readonly page: DurableMessage,
    lines: readonly PageLine[],
    private readonly notes: PageNotes,
    private readonly noting: Noting,
  ) {
    this.done = new DonePlaces(lines.length);
    this.entries = lines.map((line, place) => new PageEntry(page, this.done, line, place));
    // how long the one before had it nobody says: of crash after crash, what the first has done would grow too old
    this.dueMs = performance.now() + (this.isFirst ? noting.afterMs : noting.everyMs);
  }

  get isFirst(): boolean {
    return this.page.deliveries === 1;
  }

  get origin(): string {
    return this.page.origin;
  }

  owned(): boolean {
    return this.page.owned();
  }

  /** What whoever had it before has noted. @throws InfrastructureError */
  async recall(): Promise<void> {
    const found = await this.notes.read(this.page, this.done.count);
    if (!found) return;
    this.revision = found.revision;
    this.mayBeNoted = true;
    if (found.done) this.done.addAll(found.done);
    this.notedSize = found.done?.size ?? 0;
  }

  tick(nowMs: number): void {
    if (nowMs >= this.dueMs) void this.note();
  }

  /** Writes down what is done, if that is more than was written. Never rejects. */
  note(): Promise<void> {
    this.writing ??= this.write().finally(() => (this.writing = undefined));
    return this.writing;
  }

  /** It goes to somebody else: all that is done is written, also what came while the last was being written. */
  async leave(): Promise<void> {
    await this.writing;
    await this.note();
  }

  /** All of it is done. First the page, then its note: in between it would come again as if nothing were. */
  async remove(): Promise<void> {
    this.page.remove();
    await this.writing;
    if (this.mayBeNoted) await this.notes.remove(this.page);
  }

  private async write(): Promise<void> {
    const { page, done, notes, noting } = this;
    const { size } = done;
    if (size === this.notedSize || page.removed || !page.owned()) return;
    this.mayBeNoted = true;
    this.dueMs = performance.now() + noting.everyMs;
    const revision = await notes.write(page, done, this.revision);
    if (revision === undefined) return;
    this.revision = revision;
    this.notedSize = size;
  }
}
