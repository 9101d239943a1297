import type { Msg } from '@nats-io/transport-node';
import { RawHeaders } from './raw-headers.ts';
import type { WaitingMessage } from './waiting-message.ts';

const ACK = Buffer.from('+ACK');
const WORKING = Buffer.from('+WPI');

/** What the reply subject of a delivered message says (NATS ADR-15): `$JS.ACK.[<domain>.<account>.]<stream>.<consumer>.<delivered>.<stream seq>.<consumer seq>.<ns>.<pending>`. */
export const readAckSubject = (reply: string): { deliveries: number; sequence: number; storedAtMs: number } => {
  const tokens = reply.split('.');
  const at = tokens.length >= 12 ? 6 : 4;
  return {
    deliveries: Number(tokens[at]),
    sequence: Number(tokens[at + 1]),
    // nanoseconds do not fit a double: cut the last six digits off instead of dividing
    storedAtMs: Number((tokens[at + 3] ?? '').slice(0, -6)),
  };
};

/** The how manieth message the durable handed out: who is given all of them sees no gap. */
export const consumerSequenceOf = (reply: string): number => Number(reply.split('.').at(-4));

/** A message that a durable handed out. */
export class DurableMessage implements WaitingMessage {
  readonly deliveries: number;
  readonly sequence: number;
  readonly storedAtMs: number;
  readonly headers: RawHeaders;
  removed = false;

  constructor(
    private message: Msg,
    private readonly world: string,
    private readonly mayAct: () => boolean,
    private readonly onRemoved: (message: DurableMessage) => void,
  ) {
    const { deliveries, sequence, storedAtMs } = readAckSubject(message.reply ?? '');
    this.deliveries = deliveries;
    this.sequence = sequence;
    this.storedAtMs = storedAtMs;
    this.headers = RawHeaders.of(message);
  }

  get origin(): string {
    return `${this.world}:${this.sequence}`;
  }

  get subject(): string {
    return this.message.subject;
  }

  get data(): Uint8Array {
    return this.message.data;
  }

  owned(): boolean {
    return this.mayAct();
  }

  hold(): void {
    if (!this.removed) this.message.respond(WORKING);
  }

  remove(): void {
    if (this.removed) return;
    this.removed = true;
    this.acknowledge();
    this.onRemoved(this);
  }

  /** It came once more while it is held: the server may know nothing of the first time, and listens to the newest reply only. */
  cameAgain(copy: DurableMessage): void {
    if (this.removed) copy.acknowledge();
    else this.message = copy.message;
  }

  /** It was settled before it came again. */
  acknowledge(): void {
    this.message.respond(ACK);
  }
}
