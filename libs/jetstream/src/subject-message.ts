import type { StoredMessage } from './direct-get.ts';
import type { RawHeaders } from './raw-headers.ts';
import type { WaitingMessage } from './waiting-message.ts';

/** What a message says to the queue it was read from. */
export interface SubjectMessageHome {
  readonly world: string;
  mayAct(): boolean;
  settled(message: SubjectMessage): void;
  leave(message: SubjectMessage, untilTold: boolean): void;
}

/** A message that was read where it waits, and is removed there by its owner. */
export class SubjectMessage implements WaitingMessage {
  /** Nobody counts in a subject queue. */
  readonly deliveries = 1;
  private ended = false;
  removed = false;

  constructor(
    private readonly stored: StoredMessage,
    private readonly home: SubjectMessageHome,
  ) {}

  get origin(): string {
    return `${this.home.world}:${this.stored.sequence}`;
  }

  get subject(): string {
    return this.stored.subject;
  }

  get sequence(): number {
    return this.stored.sequence;
  }

  get storedAtMs(): number {
    return this.stored.storedAtMs;
  }

  get headers(): RawHeaders {
    return this.stored.headers;
  }

  get data(): Uint8Array {
    return this.stored.data;
  }

  owned(): boolean {
    return this.home.mayAct();
  }

  /** Nothing runs out: it comes again to nobody but its owner. */
  hold(): void {}

  remove(): void {
    if (this.ended) return;
    this.ended = true;
    this.removed = true;
    this.home.settled(this);
  }

  /** No outcome, and no longer in work: it stays where it is, and is read again later. */
  leave(untilTold = false): void {
    if (this.ended) return;
    this.ended = true;
    this.home.leave(this, untilTold);
  }
}
