import { createInbox, type Msg, type Subscription } from '@nats-io/transport-node';
import type { Logger } from '@spillway/telemetry';
import type { Broker } from './broker.ts';
import { RawHeaders } from './raw-headers.ts';

export type PullerOptions = {
  stream: string;
  durable: string;
  /** How many more messages may be taken now. Asked before each pull. */
  room: () => number;
  take: (message: Msg) => void;
  log: Logger;
};

type Pull = { id: number; left: number; until: number };

/** Short: the open pull of a frozen owner goes on receiving (74 of 100 messages, tried). */
const EXPIRES_MS = 1_000;
/** Past its time by this much without a word, a pull is taken for lost (its answer went with a connection). */
const GRACE_MS = 500;
/** `consume` of 500 × 250 KiB got a busy worker disconnected as a slow consumer (tried). */
const MAX_BYTES = 8 * 2 ** 20;
const PULLS_IN_FLIGHT = 2;
/** Five beats: whoever was ticked within that time does not stand still. */
const TICKED_LATELY_MS = 100;

/**
 * Pulls from one durable, never more than there is room for. It does nothing by itself: `tick` is called by the loop that works the queue, so
 * a worker that stands still takes nothing. Only a pull that expired is followed by the next at once: until the next tick, 20 ms, what comes would lie there
 * (2 % of what comes to an idle worker, each second).
 */
export class Puller {
  private readonly inbox = createInbox();
  private readonly subscription: Subscription;
  private readonly pulls: Pull[] = [];
  private next = 0;
  private closed = false;
  private tickedAtMs = Number.NEGATIVE_INFINITY;
  /** What the server said of the durable, when it is not what it should be. */
  fault: string | undefined;

  constructor(
    private readonly broker: Broker,
    private readonly options: PullerOptions,
  ) {
    this.subscription = broker.nc.subscribe(`${this.inbox}.*`, { callback: (_error, message) => this.receive(message) });
  }

  /** Messages asked for that have not come yet. */
  get asked(): number {
    return this.pulls.reduce((sum, pull) => sum + pull.left, 0);
  }

  /** Asks for more when there is room. Cheap when there is nothing to do. */
  tick(now = performance.now()): void {
    this.tickedAtMs = now;
    this.askForMore(now);
  }

  /** Takes nothing more. What is on its way here comes again after ack_wait. */
  close(): void {
    this.closed = true;
    this.subscription.unsubscribe();
  }

  private askForMore(now: number): void {
    if (this.closed || !this.broker.connected) return;
    for (let i = this.pulls.length - 1; i >= 0; i -= 1) if ((this.pulls[i] as Pull).until + GRACE_MS < now) this.pulls.splice(i, 1);
    if (this.pulls.length >= PULLS_IN_FLIGHT) return;
    const room = this.options.room();
    const batch = room - this.asked;
    // small bites cost a request each: a second pull goes out when it is worth half of the room
    if (batch <= 0 || (this.pulls.length > 0 && batch < room / 2)) return;
    this.ask(batch, now);
  }

  private ask(batch: number, now: number): void {
    const pull = { id: this.next++, left: batch, until: now + EXPIRES_MS };
    this.pulls.push(pull);
    const body = JSON.stringify({ batch, max_bytes: MAX_BYTES, expires: EXPIRES_MS * 1_000_000 });
    this.broker.nc.publish(`$JS.API.CONSUMER.MSG.NEXT.${this.options.stream}.${this.options.durable}`, body, { reply: `${this.inbox}.${pull.id}` });
  }

  private receive(message: Msg): void {
    if (this.closed) return;
    // a status comes on the pull's own inbox and without a reply subject; a message under its stream's subject
    if (message.reply === undefined || message.reply === '') return this.status(message);
    this.fault = undefined;
    const [oldest] = this.pulls; // the server serves pulls in their order
    if (oldest && (oldest.left -= 1) <= 0) this.pulls.shift();
    this.options.take(message);
  }

  private status(message: Msg): void {
    const { status, description } = RawHeaders.of(message);
    if (status === 100) return;
    const id = Number(message.subject.slice(this.inbox.length + 1));
    const at = this.pulls.findIndex((pull) => pull.id === id);
    if (at >= 0) this.pulls.splice(at, 1);
    const now = performance.now();
    if (status === 408 && now - this.tickedAtMs < TICKED_LATELY_MS) this.askForMore(now);
    // 404 no messages, 408 expired, 409 too much for max_bytes or the server is going away: all mean ask again
    const { stream, durable, log } = this.options;
    if (status === 503 || (status === 409 && /deleted|not found/i.test(description))) {
      if (this.fault === undefined) log.error({ stream, durable, status, description }, 'the durable does not answer');
      this.fault = description === '' ? 'no responders' : description;
      // asked again at the pace of an expiry, not in a loop
      this.pulls.push({ id: -1, left: 0, until: performance.now() });
    }
  }
}
