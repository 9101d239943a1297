import type { DeliveryMeta } from '@spillway/contracts';
import type { Next } from './decision.ts';

/** A delivery that goes on to another stream. */
export type Move = Exclude<Next, { go: 'nowhere' }>;

/** What the message says where it goes: in RETRY which attempt it waits for and until when, in DEAD why it is there (and which attempt was its last). */
export const nextMeta = (meta: DeliveryMeta, move: Move): DeliveryMeta =>
  move.go === 'retry'
    ? { ...meta, attempt: move.attempt, dueAt: move.at.toISOString(), reason: undefined }
    : { ...meta, dueAt: undefined, reason: move.reason };
