/** How long and how often: the only settings that `decide` knows. */
export type Policy = {
  /** The waits before attempts 2, 3, …; so there is one attempt more than waits. */
  readonly scheduleMs: readonly number[];
  /** From acceptance to the last moment at which an attempt still makes sense. */
  readonly maxAgeMs: number;
  /** A receiver may ask for more patience, but at most for this. */
  readonly maxRetryAfterMs: number;
};

const secondMs = 1_000;
const minuteMs = 60 * secondMs;
const hourMs = 60 * minuteMs;

/** The waits that Standard Webhooks recommends: seconds first, then days. 75.6 h in all, 90.7 h with the longest jitter: well within the 7 days. */
export const defaultPolicy: Policy = {
  scheduleMs: [5 * secondMs, 5 * minuteMs, 30 * minuteMs, 2 * hourMs, 5 * hourMs, 10 * hourMs, 14 * hourMs, 20 * hourMs, 24 * hourMs],
  maxAgeMs: 7 * 24 * hourMs,
  maxRetryAfterMs: 24 * hourMs,
};

/** What an endpoint's record may override; `schedule` in seconds, as in the API. An empty one means: one attempt, no more. */
export type RetrySettings = { schedule?: readonly number[] };

export const policyOf = (settings: RetrySettings, base: Policy = defaultPolicy): Policy =>
  settings.schedule === undefined ? base : { ...base, scheduleMs: settings.schedule.map((seconds) => seconds * secondMs) };
