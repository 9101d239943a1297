import { readDelivery, UnreadableMessage } from '@spillway/contracts';
import { giveUp, type Policy } from '@spillway/delivery';
import { isPassingThrow, type PipelineReason, type Thrown, type WaitingMessage } from '@spillway/jetstream';
import type { Logger } from '@spillway/telemetry';
import { readParked } from '@spillway/topology';
import { dueOf, type Due } from './attempt-path.ts';
import type { AttemptsMetrics } from './attempts.telemetry.ts';
import type { OrderedHeads } from './ordered-heads.ts';
import { NoLongerOurs, type Plane } from './plane.ts';
import { settle } from './settle.ts';

export type DeadParts = { app: string; plane: Plane; policyFor: (endpointId: string) => Policy; heads?: OrderedHeads | undefined; log: Logger; now: () => Date };
type Why = { reason: PipelineReason; detail: string; blind: boolean };

/** A delivery that the pipeline gives up: a dead letter that says why, the fact, and removed from where it waited. What nobody can read is kept as it is, and has no fact. */
export const buryDelivery = async (from: WaitingMessage, { reason, detail, blind }: Why, { app, plane, policyFor, heads, log, now }: DeadParts): Promise<void> => {
  log.error({ origin: from.origin, subject: from.subject, reason, detail }, 'a message is given up, and kept as a dead letter of the pipeline');
  const due = blind ? undefined : readable(from);
  if (!due) return plane.bury(from, { app, reason, detail });
  const { meta, delivery } = due;
  await settle(giveUp(delivery, reason, { now: now(), app }), { from, meta, delivery, policy: policyFor(meta.endpointId), app, now, jitter: Math.random, detail }, plane);
  // the head of an ordered endpoint: the next one is the first
  if (readParked(from.subject)?.kind === 'first') heads?.ended(meta.endpointId);
};

/** What cannot be read never can, and an error of the delivery's own counts; anything else is ours to mend, and the message comes again. */
export const judgeThrow = (error: unknown, message: WaitingMessage, { log, told }: { log: Logger; told: AttemptsMetrics }): Thrown => {
  if (error instanceof NoLongerOurs) {
    told.lost();
    return 'passing';
  }
  if (isUnreadable(error)) return 'unreadable';
  told.crashed();
  log.error({ origin: message.origin, subject: message.subject, err: error }, 'a delivery could not be worked, it comes again');
  return isPassingThrow(error) ? 'passing' : 'own';
};

const isUnreadable = (error: unknown): boolean => error instanceof UnreadableMessage || error instanceof URIError;

const readable = (from: WaitingMessage): Due | undefined => {
  try {
    return dueOf(from, readDelivery(from.headers));
  } catch (error) {
    if (isUnreadable(error)) return undefined;
    throw error;
  }
};
