import { FromEnv, ServiceConfig } from '@spillway/service-kit';
import { IsOptional, IsString, Length } from 'class-validator';

/** What every app of the webhook plane needs to know of the broker. */
export class PlaneConfig extends ServiceConfig {
  @FromEnv('NATS_URL', { default: '127.0.0.1:8090', doc: 'host:port of the broker, several by comma.' })
  @IsString()
  @Length(1, 2_000)
  natsUrl!: string;

  @FromEnv('NATS_USER', { doc: 'The user this app is at the broker.' })
  @IsOptional()
  @IsString()
  natsUser?: string;

  @FromEnv('NATS_PASSWORD', { secret: true, doc: 'Its password.' })
  @IsOptional()
  @IsString()
  natsPassword?: string;

  @FromEnv('SPILLWAY_WORLDS_FILE', {
    doc: 'Where provisioning noted the streams’ creation times; without it the first seen count, and a second, empty broker is not told from the right one at start.',
  })
  @IsOptional()
  @IsString()
  worldsFile?: string;
}
