import { createInbox, type Msg } from '@nats-io/transport-node';
import type { Broker } from './broker.ts';

export type AskOptions = { /** So many answers are all that can come. */ want: number; timeoutMs: number };

/**
 * `undefined`: no JSON, so from a stranger. What a subscription's callback throws ends the client's reading of the whole connection (3.4.0, `dial` of its protocol
 * handler): nothing more is heard until, after 10 to 15 s, it is given up for stale.
 */
const read = (message: Msg): unknown => {
  try {
    return message.json();
  } catch {
    return undefined;
  }
};

/**
 * Asks whoever listens on a subject, over core NATS: for what is kept nowhere but in memory, and only shown to people.
 * @returns what came in time; whoever is away, or busy, is left out
 */
export const askAll = async <T>(broker: Broker, subject: string, question: unknown, { want, timeoutMs }: AskOptions): Promise<T[]> => {
  if (want === 0 || !broker.connected) return [];
  const answers: T[] = [];
  const reply = createInbox();
  const all = Promise.withResolvers<void>();
  const timer = setTimeout(all.resolve, timeoutMs);
  const subscription = broker.nc.subscribe(reply, {
    callback: (_error, message) => {
      // without data: the server says that nobody listens
      const answer = message.data.length > 0 ? read(message) : undefined;
      if (answer !== undefined) answers.push(answer as T);
      if (message.data.length === 0 || answers.length >= want) all.resolve();
    },
  });
  broker.nc.publish(subject, JSON.stringify(question), { reply });
  await all.promise;
  clearTimeout(timer);
  subscription.unsubscribe();
  return answers;
};

/** Answers to `askAll`. @param answer `undefined`: it is not ours to answer @returns how to stop */
export const answerTo = (broker: Broker, filter: string, answer: (subject: string, question: unknown) => unknown): (() => void) => {
  const subscription = broker.nc.subscribe(filter, {
    callback: (_error, message) => {
      const question = read(message);
      const said = question === undefined ? undefined : answer(message.subject, question);
      if (said !== undefined) message.respond(JSON.stringify(said));
    },
  });
  return () => subscription.unsubscribe();
};
