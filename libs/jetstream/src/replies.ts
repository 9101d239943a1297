import { createInbox, type Msg, type NatsConnection, type Subscription } from '@nats-io/transport-node';
import { BrokerAway, OutcomeUnknown } from './errors.ts';
import { RawHeaders } from './raw-headers.ts';

type Waiter = { what: string; deadline: number; resolve: (message: Msg) => void; reject: (error: Error) => void };

const CHECK_EVERY_MS = 50;

/**
 * Answers to our requests over one inbox subscription: a reply costs a map entry instead of a timer and a subscription
 * (31 µs a publish with the client's own, 2.7 µs with this).
 */
export class Replies {
  private readonly prefix = createInbox();
  private readonly waiting = new Map<string, Waiter>();
  private readonly subscription: Subscription;
  private readonly clock: NodeJS.Timeout;
  private next = 0;

  constructor(nc: NatsConnection) {
    this.subscription = nc.subscribe(`${this.prefix}.*`, { callback: (_error, message) => this.take(message) });
    this.clock = setInterval(() => this.expire(), CHECK_EVERY_MS);
    this.clock.unref();
  }

  get size(): number {
    return this.waiting.size;
  }

  /**
   * Sends, and resolves with the answer. Rejects with OutcomeUnknown when none comes, BrokerAway when nobody listened.
   * @param send given the subject to be answered on. What it throws rejects, and nobody waits then: an answer that is expected of what was never sent would be missed
   * by nobody who could hear it, and end the process
   */
  ask(what: string, timeoutMs: number, send: (reply: string) => void): Promise<Msg> {
    return new Promise((resolve, reject) => {
      const token = (this.next++).toString(36);
      send(`${this.prefix}.${token}`);
      this.waiting.set(token, { what, deadline: performance.now() + timeoutMs, resolve, reject });
    });
  }

  /** The connection is gone: whatever had been sent may have arrived. */
  lost(): void {
    for (const [token, waiter] of this.waiting) {
      this.waiting.delete(token);
      waiter.reject(new OutcomeUnknown(waiter.what));
    }
  }

  close(): void {
    clearInterval(this.clock);
    this.subscription.unsubscribe();
    this.lost();
  }

  private take(message: Msg): void {
    const token = message.subject.slice(this.prefix.length + 1);
    const waiter = this.waiting.get(token);
    if (!waiter) return; // too late: its asker has been told that the outcome is unknown
    this.waiting.delete(token);
    // 503 without a payload: nobody listens on the subject, as while JetStream is starting
    if (message.data.length === 0 && RawHeaders.of(message).status === 503) waiter.reject(new BrokerAway(waiter.what));
    else waiter.resolve(message);
  }

  private expire(): void {
    const now = performance.now();
    for (const [token, waiter] of this.waiting) {
      if (waiter.deadline > now) continue;
      this.waiting.delete(token);
      waiter.reject(new OutcomeUnknown(waiter.what));
    }
  }
}
