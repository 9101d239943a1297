/**
 * What is kept under a key: which message of INGEST claimed it. So that a worker knows its own mark again (it may have died between setting it and publishing),
 * marks of another INGEST, and how far apart two acceptances are, whenever they are handled.
 */
export type Mark = {
  /** INGEST's creation time: sequences begin again when a stream is made anew. */
  world: string;
  sequence: number;
  /** On its page, from 0; 0 for a message by itself, too. */
  place: number;
  acceptedAtMs: number;
  /** The event that a duplicate of it points to. */
  event: string;
  /** Over type and data: the same id with another body is dropped too, and said. */
  checksum: string;
  /** The key was known, accepted too long ago to be the same: what follows goes out under message ids of its own, or the broker's window would swallow it. */
  again: boolean;
};

/** Creation times are nanoseconds on the wire; milliseconds tell two streams of one name apart. */
export const worldOf = (created: string): string => Date.parse(created).toString(36);

export const isOfOneMessage = (a: Pick<Mark, 'sequence' | 'place'>, b: Pick<Mark, 'sequence' | 'place'>): boolean => a.sequence === b.sequence && a.place === b.place;

/** Names the message, whatever else its mark says: `<INGEST creation>.<sequence>[-<place>].`. */
export const printOrigin = ({ world, sequence, place }: Mark): string => `${world}.${sequence.toString(36)}${place === 0 ? '' : `-${place.toString(36)}`}.`;

/** `<INGEST creation>.<sequence>[-<place>].<accepted-at>.<event id>.<checksum>[.again]`, numbers in base 36: 59 bytes of ASCII, which is what the client writes fastest. */
export const printMark = (mark: Mark): string => `${printOrigin(mark)}${mark.acceptedAtMs.toString(36)}.${mark.event}.${mark.checksum}${mark.again ? '.again' : ''}`;

/** `undefined` for what we did not write: nobody is dropped for it. */
export const readMark = (text: string): Mark | undefined => {
  const [world = '', at = '', acceptedAt36 = '', event = '', checksum = '', last, ...rest] = text.split('.');
  const [sequence36 = '', place36 = '0'] = at.split('-');
  const [sequence, place, acceptedAtMs] = [Number.parseInt(sequence36, 36), Number.parseInt(place36, 36), Number.parseInt(acceptedAt36, 36)];
  if (world === '' || event === '' || checksum === '' || !(sequence > 0) || !(place >= 0) || !(acceptedAtMs >= 0)) return undefined;
  if (rest.length > 0 || (last !== undefined && last !== 'again')) return undefined;
  return { world, sequence, place, acceptedAtMs, event, checksum, again: last === 'again' };
};
