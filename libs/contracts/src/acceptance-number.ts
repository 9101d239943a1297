/** Digits of a place: a page has 1,000 at most. */
const PLACE_DIGITS = 3;

/**
 * What facts call `ingest`: the acceptance that they settle. The sequence in WEBHOOK_INGEST, and for what stands on a page (many events in one message) its place
 * there, from 0, in three digits behind the point: 4711.005 is the sixth of page 4711. No two acceptances have the same one, and no message has both forms.
 */
export const acceptanceNumber = ({ sequence, place = 0 }: { sequence: number; place?: number }): number =>
  place === 0 ? sequence : Number(`${sequence}.${String(place).padStart(PLACE_DIGITS, '0')}`);
