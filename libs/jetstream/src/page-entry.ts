import type { RawHeaders } from './raw-headers.ts';
import type { PageLine } from './page.ts';
import type { DonePlaces } from './page-progress.ts';
import type { WaitingMessage } from './waiting-message.ts';

/** One message of a page that a durable handed out: worked, suspected, buried and settled by itself. The page is removed with the last of them. */
export class PageEntry implements WaitingMessage {
  readonly origin: string;

  constructor(
    private readonly page: WaitingMessage,
    /** Of the page: what is removed is so for each try. */
    private readonly done: DonePlaces,
    private readonly line: PageLine,
    readonly place: number,
    /** Of the page, and each time that it was taken up again here. */
    readonly deliveries: number = page.deliveries,
  ) {
    this.origin = `${page.origin}-${place}`;
  }

  get subject(): string {
    return this.page.subject;
  }

  get sequence(): number {
    return this.page.sequence;
  }

  get storedAtMs(): number {
    return this.page.storedAtMs;
  }

  get headers(): RawHeaders {
    return this.line.headers;
  }

  get data(): Uint8Array {
    return this.line.data;
  }

  get removed(): boolean {
    return this.done.has(this.place);
  }

  owned(): boolean {
    return this.page.owned();
  }

  /** Whoever holds the page holds it. */
  hold(): void {
    this.page.hold();
  }

  remove(): void {
    this.done.add(this.place);
  }

  again(): PageEntry {
    return new PageEntry(this.page, this.done, this.line, this.place, this.deliveries + 1);
  }
}
