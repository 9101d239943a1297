import type { HeaderReader } from '@spillway/contracts';

/** A message where it waits: in a durable (removed by ack and sweep) or in a subject queue (removed by its owner). */
export interface WaitingMessage {
  /** Names this message for ever: `<stream>@<the stream's creation time>:<sequence>`, on a page `-<place>` behind it. Ids of what follows from it are built on it. */
  readonly origin: string;
  readonly subject: string;
  readonly sequence: number;
  /** Where it stands on its page, from 0: the sequence is the page's. Absent: it is a message by itself. */
  readonly place?: number;
  /** The broker's clock, when it was stored: ms since 1970. */
  readonly storedAtMs: number;
  /** How often it was handed out, this time included; 1 is the first. Always 1 in a subject queue, where nobody counts. */
  readonly deliveries: number;
  readonly headers: HeaderReader;
  readonly data: Uint8Array;
  /** It was removed: it has an outcome. */
  readonly removed?: boolean;
  /** False once this process may not act on it any more: its shard went to somebody else. Asked right before each attempt, move and removal. */
  owned(): boolean;
  /** Says that it is still being worked, so that it does not come again; called by whoever holds it longer than 2 s. */
  hold(): void;
  /** It has an outcome, and what follows from it is stored. */
  remove(): void;
  /** In a queue that is worked in sequence: what follows may begin, although this one is not settled yet. */
  passOn?(): void;
}
