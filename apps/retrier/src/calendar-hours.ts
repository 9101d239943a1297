const HOUR_MS = 3_600_000;

/** `20261122T01`, UTC: as the calendar's subjects have it. */
const hourToken = (ms: number): string => new Date(ms).toISOString().slice(0, 13).replaceAll('-', '');

/** This hour's buckets and the last one's: what is due now, and what late writers put into a bucket that was worked already. */
export const recentHours = (shard: number, brokerNowMs: number): string[] =>
  brokerNowMs === 0 ? [] : [brokerNowMs - HOUR_MS, brokerNowMs].map((ms) => `webhook.retry.at.${shard}.${hourToken(ms)}.*`);
