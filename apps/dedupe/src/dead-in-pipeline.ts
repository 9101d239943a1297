import { acceptanceNumber, readEvent, UnreadableMessage, type EventMeta, type Fact } from '@spillway/contracts';
import { buryUnread, isPassingThrow, keepAsDead, type PipelineReason, Stopped, type Publisher, type Thrown, type WaitingMessage } from '@spillway/jetstream';
import type { Logger } from '@spillway/telemetry';
import { eventDead } from './fan-out.ts';
import type { Lanes } from './lanes.ts';
import { NotInSight } from './router.ts';

export type DeadParts = {
  app: string;
  dead: Publisher;
  lanes: Pick<Lanes, 'fresh'>;
  record: (tenant: string, fact: Fact) => Promise<void>;
  log: Logger;
  now: () => Date;
  /** For metrics. */
  onCrash: () => void;
};
type Why = { reason: PipelineReason; detail: string; blind: boolean };

/** What the transport asks about events that cannot be routed. */
export const deadInPipeline = (parts: DeadParts): { judgeThrow: (error: unknown, message: WaitingMessage) => Thrown; bury: (message: WaitingMessage, why: Why) => Promise<void> } => ({
  judgeThrow: (error, message) => judgeThrow(error, message, parts),
  bury: (message, why) => bury(message, why, parts),
});

const judgeThrow = (error: unknown, { origin }: WaitingMessage, { log, onCrash }: DeadParts): Thrown => {
  if (isUnreadable(error)) return 'unreadable';
  if (error instanceof Stopped) return 'passing'; // it comes again, to who comes next
  onCrash();
  if (error instanceof NotInSight) log.warn({ origin }, error.message);
  else log.error({ origin, err: error }, 'an event could not be routed, it comes again');
  return error instanceof NotInSight || isPassingThrow(error) ? 'passing' : 'own';
};

/** Its claims are given up first: whoever comes between is delivered, and that is once. Then it is kept, then told, and only then removed. */
const bury = async (message: WaitingMessage, { reason, detail, blind }: Why, { app, dead, lanes, record, log, now }: DeadParts): Promise<void> => {
  log.error({ origin: message.origin, reason, detail }, 'an event is given up, and kept as a dead letter of the pipeline');
  const meta = blind ? undefined : readableMeta(message);
  if (!meta) return buryUnread(dead, message, { app, reason, detail });
  await lanes.fresh.giveUp({ message, meta });
  const kept = await keepAsDead(dead, message, { app, reason, detail });
  await record(meta.tenant, { ...eventDead({ meta, ingest: acceptanceNumber(message), body: message.data, now: now() }, reason, app), kept });
  if (message.owned()) message.remove();
};

const isUnreadable = (error: unknown): boolean => error instanceof UnreadableMessage || error instanceof URIError;

const readableMeta = (message: WaitingMessage): EventMeta | undefined => {
  try {
    return readEvent(message.headers);
  } catch (error) {
    if (isUnreadable(error)) return undefined; // what has no headers has claimed nothing
    throw error;
  }
};
