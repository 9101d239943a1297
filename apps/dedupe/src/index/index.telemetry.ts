import type { Metrics } from '@spillway/telemetry';
import type { DedupeIndex } from './dedupe-index.ts';
import { RedisIndex } from './redis-index.ts';

/** Redis answers in tenths of a millisecond; the deadline is some tens. */
const BUCKETS_SECONDS = [0.000_5, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1];

/** Names are as everywhere: no tenant, no type. */
export const observeIndex = (metrics: Metrics, index: DedupeIndex): void => {
  metrics.gauge('spillway_dedupe_index_ok', 'Whether the index that dedupe is set up with is of use: 0 means events pass unchecked by it.', () => [{ value: Number(index.state.ok), labels: { index: index.name } }]);
  metrics.gauge('spillway_dedupe_window_seconds', 'How long an event id is remembered at least.', () => index.windowMs / 1_000);
  if (!(index instanceof RedisIndex)) return;
  const { counted, postponed } = index;
  metrics.counter('spillway_dedupe_claims_total', 'Keys claimed in Redis, by what was found; unchecked: it did not answer, and the event went on.', () =>
    Object.entries(counted).map(([found, value]) => ({ value, labels: { found } })),
  );
  metrics.gauge('spillway_dedupe_claims_postponed', 'Claims that wait to be told to Redis.', () => postponed.size);
  metrics.counter('spillway_dedupe_claims_forgotten_total', 'Claims that were never told to it, for want of room.', () => postponed.dropped);
  metrics.gauge('spillway_dedupe_redis_memory_bytes', 'What it says it uses.', () => index.vitals?.usedBytes ?? 0);
  metrics.gauge('spillway_dedupe_redis_max_memory_bytes', 'Its maxmemory; 0: none.', () => index.vitals?.maxBytes ?? 0);
  metrics.counter('spillway_dedupe_redis_evicted_total', 'Keys that it forgot before their window was over, for want of memory.', () => index.vitals?.evictedKeys ?? 0);
  const took = metrics.histogram('spillway_dedupe_redis_seconds', 'How long a group of claims took.', BUCKETS_SECONDS);
  index.onGroup = (tookMs) => took.record(tookMs / 1_000);
};
