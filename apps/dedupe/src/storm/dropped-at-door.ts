import { readDroppedAtDoor } from '@spillway/contracts';
import type { Broker } from '@spillway/jetstream';
import { subject } from '@spillway/topology';
import type { StormWatch } from './storm-watch.ts';

/** What any ingest drops at its door one of the dedupes hears of, best effort: a storm is named although hardly any of it comes here. @returns how to stop */
export const followDoor = (broker: Broker, storms: Pick<StormWatch, 'addDropped'>): (() => void) => {
  const subscription = broker.nc.subscribe(subject.tellDropped, {
    queue: 'dedupe',
    callback: (_error, message) => {
      for (const dropped of readDroppedAtDoor(message.string())) storms.addDropped(dropped);
    },
  });
  return () => subscription.unsubscribe();
};
