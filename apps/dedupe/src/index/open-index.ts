import type { Logger } from '@spillway/telemetry';
import type { DedupeConfig } from '../dedupe.config.ts';
import type { DedupeIndex } from './dedupe-index.ts';
import { JetStreamIndex } from './jetstream-index.ts';
import { RedisIndex } from './redis-index.ts';

/** Redis where one is named, else what JetStream remembers: less, and said so. */
export const openIndex = async ({ dedupeRedisUrl: url, dedupeWindowSeconds, dedupeRedisTimeoutMs }: DedupeConfig, log: Logger): Promise<DedupeIndex> => {
  if (url !== undefined) return RedisIndex.open({ url, windowMs: dedupeWindowSeconds * 1_000, deadlineMs: dedupeRedisTimeoutMs, log });
  const index = new JetStreamIndex();
  log.warn({ windowSeconds: index.windowMs / 1_000 }, 'SPILLWAY_DEDUPE_REDIS_URL is not set: duplicates are known for minutes, by id only, and rules by content have no effect');
  return index;
};
