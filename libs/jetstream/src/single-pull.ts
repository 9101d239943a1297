import { createInbox, type Msg, type Subscription } from '@nats-io/transport-node';
import type { Broker } from './broker.ts';
import { RawHeaders } from './raw-headers.ts';

export type SinglePullOptions = { stream: string; durable: string; take: (message: Msg) => void };

/** As in `Puller`: short, because the open pull of a frozen owner goes on receiving. */
const EXPIRES_MS = 1_000;
const GRACE_MS = 500;
const MAX_BYTES = 8 * 2 ** 20;

/** Pulls from one durable, one request at a time: so messages come in the order in which the server gives them out, and it is known when all of them have come. */
export class SinglePull {
  private readonly inbox = createInbox();
  private readonly subscription: Subscription;
  private open: { id: number; left: number; until: number } | undefined;
  private next = 0;
  /** What the server said of the durable, when it is not what it should be. */
  fault: string | undefined;

  constructor(
    private readonly broker: Broker,
    private readonly options: SinglePullOptions,
  ) {
    this.subscription = broker.nc.subscribe(`${this.inbox}.*`, { callback: (_error, message) => this.receive(message) });
  }

  /** Whether something asked for may still come. */
  isOpen(nowMs: number): boolean {
    if (this.open !== undefined && nowMs > this.open.until + GRACE_MS) this.open = undefined; // its answer went with a connection
    return this.open !== undefined;
  }

  /** @param atOnce what is there now, without waiting for more */
  ask(batch: number, atOnce: boolean, nowMs: number): void {
    const { stream, durable } = this.options;
    this.open = { id: this.next++, left: batch, until: nowMs + EXPIRES_MS };
    const body = { batch, max_bytes: MAX_BYTES, ...(atOnce ? { no_wait: true } : { expires: EXPIRES_MS * 1_000_000 }) };
    this.broker.nc.publish(`$JS.API.CONSUMER.MSG.NEXT.${stream}.${durable}`, JSON.stringify(body), { reply: `${this.inbox}.${this.open.id}` });
  }

  close(): void {
    this.open = undefined;
    this.subscription.unsubscribe();
  }

  private receive(message: Msg): void {
    if (message.reply === undefined || message.reply === '') return this.status(message);
    this.fault = undefined;
    if (this.open && (this.open.left -= 1) <= 0) this.open = undefined;
    this.options.take(message);
  }

  /** 404 nothing there, 408 expired or all given, 409 too much for max_bytes: each is the end of that request. */
  private status(message: Msg): void {
    const { status, description } = RawHeaders.of(message);
    if (status === 100 || message.subject !== `${this.inbox}.${this.open?.id}`) return;
    const isGone = status === 503 || (status === 409 && /deleted|not found/i.test(description));
    if (isGone) this.fault = description === '' ? 'no responders' : description;
    // who is gone is asked again at the pace of an expiry, not in a loop
    else this.open = undefined;
  }
}
