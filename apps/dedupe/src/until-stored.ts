import { setTimeout as wait } from 'node:timers/promises';
import { isPassing, OutcomeUnknown, type PubAck } from '@spillway/jetstream';

const ASK_AGAIN_MS = 250;

/**
 * Repeats until the broker says where it is. When an answer was lost (with a connection, or it came too late), a `duplicate` of what is repeated is our own:
 * stored by the try before. Told as one it would make an event a duplicate of itself, without the fact that it was accepted.
 * @param waitsFor refusals that pass, too
 */
export const untilStored = async (publish: () => Promise<PubAck[]>, waitsFor: (error: unknown) => boolean = () => false): Promise<PubAck[]> => {
  for (let perhapsStored = false; ; ) {
    try {
      const acks = await publish();
      return perhapsStored ? acks.map(({ seq }) => ({ seq, duplicate: false })) : acks;
    } catch (error) {
      if (!isPassing(error) && !waitsFor(error)) throw error;
      perhapsStored ||= error instanceof OutcomeUnknown;
      await wait(ASK_AGAIN_MS * (0.75 + Math.random() / 2));
    }
  }
};
