import { createInbox, type Msg, type Subscription } from '@nats-io/transport-node';
import type { Broker } from './broker.ts';
import { BrokerAway, BrokerRefused, OutcomeUnknown } from './errors.ts';
import { RawHeaders } from './raw-headers.ts';

export type StoredMessage = {
  subject: string;
  sequence: number;
  /** The broker's clock, ms since 1970. */
  storedAtMs: number;
  headers: RawHeaders;
  data: Uint8Array;
};

export type Slice = {
  messages: StoredMessage[];
  /** How many more the server had behind the last one of these. A short slice is not the end: bytes are bounded too. */
  pending: number;
};

export type SliceRequest = {
  /** Wildcards are fine. */
  subject: string;
  fromSequence: number;
  /** In place of `fromSequence`: from the first that was stored then or later, RFC 3339. */
  fromTime?: string | undefined;
  batch: number;
  maxBytes: number;
};

type Pending = { what: string; messages: StoredMessage[]; heardAt: number; resolve: (slice: Slice) => void; reject: (error: Error) => void };
type LeaderAnswer = { message: { subject: string; seq: number; time: string; hdrs?: string; data?: string } };

/** Without a word for so long, an answer is taken for lost. */
const TIMEOUT_MS = 5_000;
const CHECK_EVERY_MS = 500;
const NO_SUCH_MESSAGE = 10037;

/**
 * Reads stored messages by subject, in batches, over one inbox subscription of our own. Not the client's `getBatch`: it leaves a subscription open for 5 s
 * each time, and ends short at 64 MB without a word. One a stream and process is enough.
 */
export class DirectGet {
  private readonly inbox = createInbox();
  private readonly pending = new Map<string, Pending>();
  private readonly subscription: Subscription;
  private readonly unlisten: () => void;
  private clock: NodeJS.Timeout | undefined;
  private next = 0;

  constructor(
    private readonly broker: Broker,
    private readonly stream: string,
  ) {
    this.subscription = broker.nc.subscribe(`${this.inbox}.*`, { callback: (_error, message) => this.receive(message) });
    this.unlisten = broker.onConnection((up) => {
      if (!up) this.failAll();
    });
  }

  /**
   * Messages of a subject in their order, from a sequence on. On R3 it may be answered by a follower that is behind: what it does not show may be there,
   * and what it shows may have been removed.
   * @throws BrokerAway | BrokerRefused | OutcomeUnknown: nothing was read
   */
  slice({ subject, fromSequence, fromTime, batch, maxBytes }: SliceRequest): Promise<Slice> {
    const what = `a read of ${subject}`;
    if (!this.broker.connected) return Promise.reject(new BrokerAway(what));
    const token = (this.next++).toString(36);
    const answer = new Promise<Slice>((resolve, reject) => {
      this.pending.set(token, { what, messages: [], heardAt: performance.now(), resolve, reject });
    });
    this.clock ??= setInterval(() => this.expire(), CHECK_EVERY_MS).unref();
    const from = fromTime === undefined ? { seq: fromSequence } : { start_time: fromTime };
    const body = JSON.stringify({ ...from, next_by_subj: subject, batch, max_bytes: maxBytes });
    this.broker.nc.publish(`$JS.API.DIRECT.GET.${this.stream}`, body, { reply: `${this.inbox}.${token}` });
    return answer;
  }

  /** The first message of a subject from a sequence on, from the leader: for what is decided on an absence, and for what a follower might not know yet. */
  async atLeader(subject: string, fromSequence: number): Promise<StoredMessage | undefined> {
    return this.fromLeader({ seq: fromSequence, next_by_subj: subject });
  }

  /** Whether a message is still there, by its sequence, at the leader. */
  async isStored(sequence: number): Promise<boolean> {
    return (await this.fromLeader({ seq: sequence })) !== undefined;
  }

  close(): void {
    this.unlisten();
    this.subscription.unsubscribe();
    this.failAll();
  }

  private async fromLeader(request: { seq: number; next_by_subj?: string }): Promise<StoredMessage | undefined> {
    try {
      const { message } = await this.broker.api<LeaderAnswer>(`STREAM.MSG.GET.${this.stream}`, request);
      return {
        subject: message.subject,
        sequence: message.seq,
        storedAtMs: Date.parse(message.time),
        headers: new RawHeaders(Buffer.from(message.hdrs ?? '', 'base64')),
        data: Buffer.from(message.data ?? '', 'base64'),
      };
    } catch (error) {
      if (error instanceof BrokerRefused && error.errCode === NO_SUCH_MESSAGE) return undefined;
      throw error;
    }
  }

  private receive(message: Msg): void {
    const token = message.subject.slice(this.inbox.length + 1);
    const pending = this.pending.get(token);
    if (!pending) return;
    pending.heardAt = performance.now();
    const headers = RawHeaders.of(message);
    if (headers.status === 0) pending.messages.push(stored(headers, message.data));
    else this.end(token, pending, headers);
  }

  /** 204: end of the batch; 404: nothing there; 503: nobody answers (JetStream is starting, or the stream lacks allow_direct); 408, 413: our request is wrong. */
  private end(token: string, pending: Pending, headers: RawHeaders): void {
    this.forget(token);
    const { status, description } = headers;
    if (status === 204) pending.resolve({ messages: pending.messages, pending: Number(headers.get('Nats-Num-Pending') ?? 0) });
    else if (status === 404) pending.resolve({ messages: pending.messages, pending: 0 });
    else if (status === 503) pending.reject(new BrokerAway(pending.what));
    else pending.reject(new BrokerRefused(status, description, pending.what));
  }

  private expire(): void {
    const before = performance.now() - TIMEOUT_MS;
    for (const [token, pending] of this.pending) if (pending.heardAt < before) this.fail(token, pending);
  }

  private failAll(): void {
    for (const [token, pending] of this.pending) this.fail(token, pending);
  }

  private fail(token: string, pending: Pending): void {
    this.forget(token);
    pending.reject(new OutcomeUnknown(pending.what));
  }

  /** No clock runs while nothing is asked for. */
  private forget(token: string): void {
    this.pending.delete(token);
    if (this.pending.size > 0) return;
    clearInterval(this.clock);
    this.clock = undefined;
  }
}

/** The server adds where it was stored to the message's own headers (NATS ADR-31). */
const stored = (headers: RawHeaders, data: Uint8Array): StoredMessage => ({
  subject: headers.get('Nats-Subject') ?? '',
  sequence: Number(headers.get('Nats-Sequence')),
  storedAtMs: Date.parse(headers.get('Nats-Time-Stamp') ?? ''),
  headers,
  data,
});
