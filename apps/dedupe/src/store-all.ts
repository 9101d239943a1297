import { isFull, type Outgoing, type Publisher, type PubAck } from '@spillway/jetstream';
import { untilStored } from './until-stored.ts';

/** Up to here each by itself: what was stored is remembered singly, so that a stream which fills up in the middle stores none of them twice. */
const FEW = 10;

/**
 * Until all of them are on disk; many as one atomic batch. A full DELIVERY is no error of the event's: it waits where it is, everything behind it too, and INGEST
 * fills until producers are told.
 * @throws PublishRefused for what will never fit
 */
export const storeAll = async (publisher: Publisher, messages: readonly Outgoing[]): Promise<PubAck[]> => {
  const store = (together: readonly Outgoing[]): Promise<PubAck[]> => untilStored(() => publisher.publishTogether(together), isFull);
  if (messages.length > FEW) return store(messages);
  return (await Promise.all(messages.map((message) => store([message])))).flat();
};
