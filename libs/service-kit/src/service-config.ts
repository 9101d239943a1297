import { IsIn, IsInt, IsNotEmpty, IsOptional, Matches, Max, Min } from 'class-validator';
import { LOG_LEVELS } from '@spillway/telemetry';
import { FromEnv } from './from-env.ts';

/** The offsets reach to 13 (the inbox's Redis), so that the highest port stays a port. */
const HIGHEST_BASE = 65_535 - 13;

/** What every app needs to know to be reached. */
export class ServiceConfig {
  @FromEnv('SPILLWAY_PORT_BASE', { default: 8080, doc: 'The port of ingest; the other apps follow at fixed offsets. 0: every app takes any free port.' })
  @IsInt()
  @Min(0)
  @Max(HIGHEST_BASE)
  portBase!: number;

  @FromEnv('SPILLWAY_BIND', { default: '127.0.0.1', doc: 'The address to listen on. Off loopback, `/metrics` needs `SPILLWAY_STATUS_KEY`.' })
  @IsNotEmpty()
  bind!: string;

  @FromEnv('SPILLWAY_LOG_LEVEL', { default: 'info', doc: `One of ${LOG_LEVELS.join(', ')}.` })
  @IsIn(LOG_LEVELS)
  logLevel!: string;

  @FromEnv('SPILLWAY_BLOCKED_AFTER_MS', { default: 3_000, doc: 'An app whose event loop computes for so long without a turn ends itself, to be started again; one that waits without computing after five times as long. 0: never.' })
  @IsInt()
  @Min(0)
  blockedAfterMs!: number;

  @FromEnv('SPILLWAY_STATUS_KEY', { secret: true, doc: 'The bearer token for `/metrics` and the watchdog’s pages off loopback; one value for all apps.' })
  @IsOptional()
  @Matches(/^[\w.~+/=-]{16,512}$/, { message: 'statusKey must be 16 to 512 characters that fit into an Authorization header' })
  statusKey?: string;
}
