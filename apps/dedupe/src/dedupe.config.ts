import { IsInt, Max, Min } from 'class-validator';
import { PlaneConfig } from '@spillway/jetstream';
import { FromEnv } from '@spillway/service-kit';

export class DedupeConfig extends PlaneConfig {
  @FromEnv('SPILLWAY_RECENT_IDS', { default: 131_072, doc: 'How many event ids dedupe remembers by itself (about 250 bytes each), in front of the broker’s own window.' })
  @IsInt()
  @Min(1_000)
  @Max(10_000_000)
  recentIds!: number;
}
