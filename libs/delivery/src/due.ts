import type { Policy } from './policy.ts';

/** Up to a fifth longer, never shorter: the retries of an outage spread out, and none comes before its time. */
const JITTER_MAX = 0.2;

export const lengthened = (waitMs: number, jitter: number): number => Math.round(waitMs * (1 + JITTER_MAX * jitter));

/** The wait before the attempt that follows `attempt`; `undefined` when the schedule is used up. `askedMs` lengthens it, never shortens it. */
export const retryWaitMs = (policy: Policy, attempt: number, askedMs: number, jitter: number): number | undefined => {
  const scheduledMs = policy.scheduleMs[attempt - 1];
  return scheduledMs === undefined ? undefined : Math.max(askedMs, lengthened(scheduledMs, jitter));
};

/** The narrowest bucket, and up to which wait the next wider ones begin. A wait of 24 h is a minute late at most: 0.07 %. */
const widthMsFor = (waitMs: number): number => {
  if (waitMs <= 120_000) return 1_000;
  return waitMs <= 7_200_000 ? 10_000 : 60_000;
};

/**
 * The time of the bucket a retry waits in: 1 s wide within 2 min, 10 s within 2 h, then 1 min. A bucket is a subject and ~380 B of broker memory: a day ahead
 * has 120 + 708 + 1,320 of them a shard. Up, never down: `Retry-After` is a floor; and lateness counts from the rounded time.
 */
export const roundUpToBucket = (at: Date, now: Date): Date => {
  const widthMs = widthMsFor(at.getTime() - now.getTime());
  return new Date(Math.ceil(at.getTime() / widthMs) * widthMs);
};
