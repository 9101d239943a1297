import { IsInt, IsOptional, Matches, Max, Min } from 'class-validator';
import { PlaneConfig } from '@spillway/jetstream';
import { FromEnv } from '@spillway/service-kit';
import { ID_WINDOW_SECONDS } from '@spillway/topology';

const DAY_SECONDS = 86_400;

export class DedupeConfig extends PlaneConfig {
  @FromEnv('SPILLWAY_RECENT_IDS', { default: 131_072, doc: 'How many keys dedupe remembers by itself (about 300 bytes each), in front of Redis and of the broker’s own window.' })
  @IsInt()
  @Min(1_000)
  @Max(10_000_000)
  recentIds!: number;

  @FromEnv('SPILLWAY_DEDUPE_REDIS_URL', {
    secret: true,
    doc: `redis:// or rediss:// URL of a Redis ≥ 7 that is dedupe’s own. Without it duplicates are known for ${ID_WINDOW_SECONDS} s (JetStream’s window), by id only: no rules by content.`,
  })
  @IsOptional()
  @Matches(/^rediss?:\/\/\S+$/, { message: 'a URL like redis://:password@host:6379/0' })
  dedupeRedisUrl?: string;

  @FromEnv('SPILLWAY_DEDUPE_WINDOW_SECONDS', { default: DAY_SECONDS, doc: 'How long an event id is remembered in Redis, from one acceptance to the next: the same id later is the same event once more, on purpose.' })
  @IsInt()
  @Min(ID_WINDOW_SECONDS) // less than the net behind it would only be caught there
  @Max(30 * DAY_SECONDS)
  dedupeWindowSeconds!: number;

  @FromEnv('SPILLWAY_DEDUPE_REDIS_TIMEOUT_MS', { default: 50, doc: 'How long an event waits for Redis (milliseconds); then it goes on unchecked.' })
  @IsInt()
  @Min(1)
  @Max(5_000)
  dedupeRedisTimeoutMs!: number;

  @FromEnv('SPILLWAY_DEDUPE_STORM_RATIO', { default: 0.5, doc: 'From which share of repetitions on, 0 to 1, among a tenant’s events of one type within half a minute, a storm is said.' })
  @Min(0.05)
  @Max(1)
  stormRatio!: number;

  @FromEnv('SPILLWAY_DEDUPE_STORM_DUPLICATES', { default: 100, doc: 'And from how many repetitions within that half minute on.' })
  @IsInt()
  @Min(10)
  stormDuplicates!: number;
}
