import type { HeaderPairs } from '@spillway/contracts';

export type PubAck = {
  /** Its sequence in the stream. */
  seq: number;
  /** Its `Nats-Msg-Id` was known: it is stored already, and not once more. */
  duplicate: boolean;
  /** Where it stands on the page that was stored, from 0; absent: it is a message by itself. */
  place?: number;
};

export type Outgoing = { subject: string; headers: HeaderPairs; data: Uint8Array };

/** What goes together: one message, several that are stored all or none, or a page of such as go by themselves. */
export type Unit = {
  messages: readonly Outgoing[];
  bytes: number;
  /** When it was handed over, monotonic ms; of a page, its first. */
  since: number;
  resolve: (acks: PubAck[]) => void;
  reject: (error: Error) => void;
};

/** A unit as it was handed over: who waits for it is told once, and its place in the queue is given back then. */
export class Queued implements Unit {
  readonly since = performance.now();

  constructor(
    readonly messages: readonly Outgoing[],
    readonly bytes: number,
    private readonly settle: (outcome: PubAck[] | Error) => void,
    private readonly forget: (unit: Unit) => void,
  ) {}

  resolve(acks: PubAck[]): void {
    this.forget(this);
    this.settle(acks);
  }

  reject(error: Error): void {
    this.forget(this);
    this.settle(error);
  }
}
