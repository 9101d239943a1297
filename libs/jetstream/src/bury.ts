import { header } from '@spillway/contracts';
import { subject } from '@spillway/topology';
import { PublishRefused } from './errors.ts';
import type { Publisher } from './publisher.ts';
import type { WaitingMessage } from './waiting-message.ts';

/** A message that nobody can read: kept whole in WEBHOOK_DEAD, with what was wrong with it, for whoever can; and removed from where it waited. */
export const buryUnreadable = async (dead: Publisher, from: WaitingMessage, app: string, why: string): Promise<void> => {
  const kept: [string, string][] = [];
  for (const name of Object.values(header)) {
    const value = from.headers.get(name);
    if (value !== undefined && !name.startsWith('Nats-')) kept.push([name, value]);
  }
  const headers: [string, string][] = [...kept, [header.reason, 'unreadable'], [header.detail, oneLine(why)], [header.messageId, from.origin]];
  try {
    await dead.persist(subject.dead.pipeline(app), headers, from.data, () => from.owned());
  } catch (error) {
    // no room for dead letters: it stays where it is and is looked at again, since nothing else has kept it
    if (error instanceof PublishRefused) return;
    throw error;
  }
  if (from.owned()) from.remove();
};

const oneLine = (text: string): string => text.replace(/[\r\n]+/g, ' ');
