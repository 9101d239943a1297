import { MASTER_KEYS_PATTERN, MAX_ENDPOINTS_PER_TENANT } from '@spillway/endpoints';
import { PlaneConfig } from '@spillway/jetstream';
import { FromEnv } from '@spillway/service-kit';
import { IsInt, IsOptional, IsString, Matches, Max, Min } from 'class-validator';

export class ConsoleConfig extends PlaneConfig {
  @FromEnv('SPILLWAY_ADMIN_KEY', { secret: true, doc: 'The first key: may do everything, is stored nowhere. Without it only keys that were made before open anything.' })
  @IsOptional()
  @IsString()
  adminKey?: string;

  @FromEnv('SPILLWAY_MASTER_KEY', { secret: true, doc: 'Seals the endpoints’ secrets: base64 of 32 bytes (openssl rand -base64 32); several by comma, the first seals, all open.' })
  @Matches(MASTER_KEYS_PATTERN, { message: 'base64 of 32 bytes (openssl rand -base64 32), several by comma' })
  masterKey!: string;

  @FromEnv('SPILLWAY_ALLOW_NETWORKS', { default: [], doc: 'Networks (CIDR, by comma) that endpoints may lie in although they are not public. For local trials: 127.0.0.0/8,::1/128.' })
  allowNetworks!: string[];

  @FromEnv('SPILLWAY_ALLOW_HTTP', { default: false, doc: 'Whether endpoints outside the allowed networks may be http.' })
  allowHttp!: boolean;

  @FromEnv('SPILLWAY_MAX_ENDPOINTS_PER_TENANT', { default: MAX_ENDPOINTS_PER_TENANT, doc: 'Endpoints a tenant may have unless its settings say otherwise; never more than one atomic batch holds.' })
  @IsInt()
  @Min(1)
  @Max(MAX_ENDPOINTS_PER_TENANT)
  maxEndpointsPerTenant!: number;
}
