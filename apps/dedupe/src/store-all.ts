import { isFull, type Outgoing, type Publisher, type PubAck } from '@spillway/jetstream';
import { untilStored } from './until-stored.ts';

/** Up to here each by itself: what was stored is remembered singly, so that a stream which fills up in the middle stores none of them twice. */
const FEW = 10;

/** For metrics: deliveries that DELIVERY had no room for when they came, each once however often it is tried again, and those that wait for room now. */
export type HeldUp = { refused: number; waiting: number };

/**
 * Until all of them are on disk; many as one atomic batch. A full DELIVERY is no error of the event's: it waits where it is, everything behind it too, and INGEST
 * fills until producers are told.
 * @throws PublishRefused for what will never fit
 */
export const storeAll = async (publisher: Publisher, messages: readonly Outgoing[], heldUp: HeldUp): Promise<PubAck[]> => {
  const store = (together: readonly Outgoing[]): Promise<PubAck[]> => storeTogether(publisher, together, heldUp);
  if (messages.length > FEW) return store(messages);
  return (await Promise.all(messages.map((message) => store([message])))).flat();
};

const storeTogether = async (publisher: Publisher, together: readonly Outgoing[], heldUp: HeldUp): Promise<PubAck[]> => {
  let waiting = 0;
  const waitsFor = (error: unknown): boolean => {
    if (!isFull(error)) return false;
    if (waiting > 0) return true;
    waiting = together.length;
    heldUp.refused += waiting;
    heldUp.waiting += waiting;
    return true;
  };
  try {
    return await untilStored(() => publisher.publishTogether(together), waitsFor);
  } finally {
    heldUp.waiting -= waiting;
  }
};
