import type { DeadReason } from '@spillway/contracts';

/**
 * What the marker of a suspect says. `alone`: it is worked, and nothing else began beside it, so a crash is its own. `beside`: it takes long, and others
 * began meanwhile. `resting`: whoever worked it last came to an end in good order (its handler threw). `burying`: it is on its way to the dead letters.
 */
export type Marker = {
  /** Of the message: a sequence alone is given anew when a stream is made again. */
  origin: string;
  is: 'alone' | 'beside' | 'resting' | 'burying';
  /** Of whoever worked it alone. */
  crashes: number;
  /** How often its handler threw an error of its own. */
  throws: number;
  /** It was once there when somebody crashed whom others might have crashed: from then on no other suspect begins before it has ended. */
  strict?: true;
};

export type PipelineReason = Extract<DeadReason, 'poison' | 'unreadable' | 'internal'>;

/** What a handler threw: something that passes by itself (it comes again, for ever), that it cannot read this message, or an error of the message's own. */
export type Thrown = 'passing' | 'unreadable' | 'own';

export type Verdict =
  | { go: 'work'; marker: Marker }
  /** `blind`: without reading it, since that is what crashes. */
  | { go: 'bury'; marker: Marker; reason: PipelineReason; blind: boolean };

/** Handed out so often without an end that nobody here can explain: after two crashes of a worker all that it had in flight are suspects. */
export const SUSPECT_AFTER = 2;
/** Under its own marker. */
export const CRASHES_MAX = 3;
export const THROWS_MAX = 3;
/** Two more while it was being buried: then it is kept as it lies. */
const BURIAL_CRASHES_MAX = 2;

/**
 * @param deliveries how often it was handed out, this time included
 * @param explained how many of these came to an end in good order, without an outcome (the broker was away, the endpoints were not in sight)
 */
export const isSuspect = (deliveries: number, explained = 0): boolean => deliveries - 1 - explained >= SUSPECT_AFTER;

/** Whether a suspect is worked, and how, or is dead. @param found its marker, as whoever worked it last left it */
export const judge = (origin: string, found: Marker | undefined): Verdict => {
  // of another message: the stream was made again since
  const marker = found?.origin === origin ? afterwards(found) : { origin, is: 'alone' as const, crashes: 0, throws: 0 };
  if (marker.crashes >= CRASHES_MAX) return { go: 'bury', marker: { ...marker, is: 'burying' }, reason: 'poison', blind: marker.crashes >= CRASHES_MAX + BURIAL_CRASHES_MAX };
  if (marker.throws >= THROWS_MAX) return { go: 'bury', marker: { ...marker, is: 'burying' }, reason: 'internal', blind: false };
  return { go: 'work', marker: { ...marker, is: 'alone' } };
};

/** Its handler threw an error of its own. */
export const afterThrow = (origin: string, before: Marker | undefined): Marker => {
  const { crashes, throws, strict } = before?.origin === origin ? before : { crashes: 0, throws: 0 };
  return { origin, is: 'resting', crashes, throws: throws + 1, ...(strict && { strict }) };
};

/** Charged with a crash, or strict: such a one comes after the other suspects, so that it delays them no further. */
export const isCharged = ({ crashes, strict }: Marker): boolean => crashes > 0 || strict === true;

const afterwards = (found: Marker): Marker => {
  switch (found.is) {
    case 'alone':
    case 'burying':
      return { ...found, crashes: found.crashes + 1 };
    case 'beside':
      // who is strict was worked beside no other suspect: then it is its own after all
      return found.strict === true ? { ...found, crashes: found.crashes + 1 } : { ...found, strict: true };
    case 'resting':
      return found;
  }
};
