const ISO_TIME = /^"(\d{4}-\d\d-\d\dT\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:?\d\d)?)"$/;
/** Seconds, milli-, micro- and nanoseconds since 1970, by their digits until the year 2286. */
const EPOCH = /^-?\d{10}(?:\d{3}|\d{6}|\d{9})?$/;
const NEAR_MS = 3_600_000;

/** A number of the canonical form `digits` or `digits e power`, written out; `undefined` when it is not whole. */
const wholeDigits = (value: string): string | undefined => {
  const [, digits = '', power = '0'] = /^(-?\d+)(?:e(\d{1,2}))?$/.exec(value) ?? [];
  return digits === '' ? undefined : digits + '0'.repeat(Number(power));
};

const epochMs = (value: string): number | undefined => {
  const digits = wholeDigits(value);
  if (digits === undefined || !EPOCH.test(digits)) return undefined;
  return Number(digits.padEnd(13, '0').slice(0, 13));
};

/** A time of about now: when it was sent, made, retried. Not the time of something long past, which says which one it is. @param value a canonical leaf */
export const isTimeNear = (value: string, atMs: number): boolean => {
  const iso = ISO_TIME.exec(value)?.[1];
  const timeMs = iso === undefined ? epochMs(value) : Date.parse(iso);
  return timeMs !== undefined && Math.abs(timeMs - atMs) <= NEAR_MS;
};
