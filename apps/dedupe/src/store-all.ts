import { setTimeout as wait } from 'node:timers/promises';
import { isPassing, PublishRefused, type Outgoing, type Publisher, type PubAck } from '@spillway/jetstream';

/** Up to here each by itself: what was stored is remembered singly, so that a stream which fills up in the middle stores none of them twice. */
const FEW = 10;
const ASK_AGAIN_MS = 250;

/** A full DELIVERY is no error of the event's: it waits where it is, everything behind it too, and INGEST fills until producers are told. */
const isFull = (error: unknown): boolean => error instanceof PublishRefused && ['stream_full', 'subject_full', 'storage_full', 'busy'].includes(error.kind);

const untilStored = async <T>(publish: () => Promise<T>): Promise<T> => {
  for (;;) {
    try {
      return await publish();
    } catch (error) {
      if (!isFull(error) && !isPassing(error)) throw error;
      await wait(ASK_AGAIN_MS * (0.75 + Math.random() / 2));
    }
  }
};

/** Until all of them are on disk; many as one atomic batch. @throws PublishRefused for what will never fit */
export const storeAll = async (publisher: Publisher, messages: readonly Outgoing[]): Promise<PubAck[]> => {
  if (messages.length > FEW) return untilStored(() => publisher.publishTogether(messages));
  return Promise.all(messages.map((message) => untilStored(() => publisher.publish(message.subject, message.headers, message.data))));
};
