import { MASTER_KEYS_PATTERN } from '@spillway/endpoints';
import { PlaneConfig } from '@spillway/jetstream';
import { FromEnv } from '@spillway/service-kit';
import { IsInt, IsOptional, IsString, Matches, Max, Min } from 'class-validator';

/** What every app that makes attempts needs to know. */
export class AttemptsConfig extends PlaneConfig {
  @FromEnv('SPILLWAY_MASTER_KEY', { secret: true, doc: 'Opens the endpoints’ secrets: base64 of 32 bytes; several by comma, the first seals.' })
  @Matches(MASTER_KEYS_PATTERN, { message: 'masterKey must be base64 of 32 bytes (openssl rand -base64 32), several separated by commas' })
  masterKey!: string;

  @FromEnv('SPILLWAY_ALLOW_NETWORKS', { default: [], doc: 'Networks (CIDR, by comma) that endpoints may lie in although they are not public. For local trials: 127.0.0.0/8,::1/128.' })
  allowNetworks!: string[];

  @FromEnv('SPILLWAY_ALLOW_HTTP', { default: false, doc: 'Whether endpoints outside the allowed networks may be http.' })
  allowHttp!: boolean;

  @FromEnv('SPILLWAY_EXTRA_CA_FILE', { doc: 'A PEM file with certificate authorities that are trusted beside the well-known ones.' })
  @IsOptional()
  @IsString()
  extraCaFile?: string;

  @FromEnv('SPILLWAY_ATTEMPTS_AT_ONCE', { doc: 'How many attempts one process has under way at most; by default 512 in a dispatcher, 256 in a retrier.' })
  @IsOptional()
  @IsInt()
  @Min(1)
  @Max(10_000)
  attemptsAtOnce?: number;

  @FromEnv('SPILLWAY_MAX_DELIVERY_AGE_SECONDS', { default: 604_800, doc: 'Counted from acceptance: an older delivery is not attempted any more but expires, wherever it waits. 7 days.' })
  @IsInt()
  @Min(1)
  @Max(31_536_000)
  maxDeliveryAgeSeconds!: number;
}
