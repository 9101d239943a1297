/** Digits and nothing else (RFC 9110, 10.2.3). `Number` alone would also read "1e9", "-5", "0x10" and "". */
const SECONDS = /^\d+$/;

/**
 * The three spellings of an HTTP date (RFC 9110, 5.6.7). Checked before `Date.parse` is asked, which reads "-5" as a day of May 2001
 * and takes the third, that names no zone, for local time.
 */
const IMF_FIXDATE = /^[A-Z][a-z]{2}, \d{2} [A-Z][a-z]{2} \d{4} \d{2}:\d{2}:\d{2} GMT$/;
const RFC_850 = /^[A-Z][a-z]+day, \d{2}-[A-Z][a-z]{2}-\d{2} \d{2}:\d{2}:\d{2} GMT$/;
const ASCTIME = /^[A-Z][a-z]{2} [A-Z][a-z]{2} [ \d]\d \d{2}:\d{2}:\d{2} \d{4}$/;

const DAY_MS = 86_400_000;

const httpDateMs = (text: string): number => {
  if (IMF_FIXDATE.test(text) || RFC_850.test(text)) return Date.parse(text);
  return ASCTIME.test(text) ? Date.parse(`${text} GMT`) : Number.NaN;
};

/**
 * How long the receiver asks us to wait, at most `maxMs`; `undefined` when it asks for nothing we understand: garbage, a negative number, a moment
 * that has passed. A receiver's nonsense must neither stop its own deliveries nor bring them sooner.
 */
export const retryAfterMs = (text: string | undefined, now: Date, maxMs: number = DAY_MS): number | undefined => {
  if (text === undefined) return undefined;
  const asked = text.trim();
  const waitMs = SECONDS.test(asked) ? Number(asked) * 1_000 : httpDateMs(asked) - now.getTime();
  return waitMs >= 0 ? Math.min(waitMs, maxMs) : undefined;
};
