import type { RawHeaders } from './raw-headers.ts';
import type { PageLine } from './page.ts';
import type { WaitingMessage } from './waiting-message.ts';

/** One message of a page that a durable handed out: worked, suspected, buried and settled by itself. The page is removed with the last of them. */
export class PageEntry implements WaitingMessage {
  readonly origin: string;
  removed = false;

  constructor(
    private readonly page: WaitingMessage,
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

  owned(): boolean {
    return this.page.owned();
  }

  /** Whoever holds the page holds it. */
  hold(): void {
    this.page.hold();
  }

  remove(): void {
    this.removed = true;
  }

  again(): PageEntry {
    return new PageEntry(this.page, this.line, this.place, this.deliveries + 1);
  }
}
