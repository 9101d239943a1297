import { header } from '@spillway/contracts';
import { subject } from '@spillway/topology';
import { PublishRefused } from './errors.ts';
import type { Publisher } from './publisher.ts';
import type { PipelineReason } from './suspicion.ts';
import type { WaitingMessage } from './waiting-message.ts';

/** Why a message is given up by the pipeline. */
export type DeadInPipeline = { app: string; reason: PipelineReason; detail: string };

const OURS: ReadonlySet<string> = new Set([header.reason, header.detail]);

/**
 * A message that the pipeline gives up, kept whole in WEBHOOK_DEAD, with what was wrong with it, for whoever can read or mend it. Nothing of it is looked at but the names of its headers.
 * @returns false when WEBHOOK_DEAD has no room. @throws Stopped when it is not ours any more
 */
export const keepAsDead = async (dead: Publisher, from: WaitingMessage, { app, reason, detail }: DeadInPipeline): Promise<boolean> => {
  // all of them: a CloudEvent's attributes have names of its producer's
  const kept = [...from.headers.entries()].filter(([name]) => !name.startsWith('Nats-') && !OURS.has(name));
  const headers: [string, string][] = [...kept, [header.reason, reason], [header.detail, oneLine(detail)], [header.messageId, from.origin]];
  try {
    await dead.persist(subject.dead.pipeline(app), headers, from.data, () => from.owned());
    return true;
  } catch (error) {
    if (error instanceof PublishRefused) return false;
    throw error;
  }
};

/** Where nobody can say whose it is. With no room for dead letters it stays where it is and is looked at again, since nothing else has kept it. */
export const buryUnread = async (dead: Publisher, from: WaitingMessage, why: DeadInPipeline): Promise<void> => {
  const isKept = await keepAsDead(dead, from, why);
  if (isKept && from.owned()) from.remove();
};

const DETAIL_MAX = 1_000;

const oneLine = (text: string): string => text.replace(/[\r\n]+/g, ' ').slice(0, DETAIL_MAX);
