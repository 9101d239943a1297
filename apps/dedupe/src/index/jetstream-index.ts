import { ID_WINDOW_SECONDS } from '@spillway/topology';
import type { Answer, DedupeIndex } from './dedupe-index.ts';

const MINE: Answer = { kind: 'mine', repeated: false, again: false };

/**
 * The embedded default, without Redis: every key is free here, and what is known is found by the table of recent ids in front and by JetStream's own window of
 * `Nats-Msg-Id` behind, when the deliveries are published. So: minutes instead of a day, and ids only.
 */
export class JetStreamIndex implements DedupeIndex {
  readonly name = 'jetstream';
  readonly windowMs = ID_WINDOW_SECONDS * 1_000;
  readonly keepsContent = false;
  readonly state = { ok: true };

  claim(): Answer {
    return MINE;
  }

  async giveUp(): Promise<void> {
    // there is nothing to take back: the broker's window forgets by itself, and what was not published it never knew
  }

  detail(): Record<string, unknown> {
    return { note: `without Redis: ids only, remembered for ${ID_WINDOW_SECONDS} s, no rules by content` };
  }

  async close(): Promise<void> {
    // nothing is open
  }
}
