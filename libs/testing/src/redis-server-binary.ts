import { execFileSync } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import { repositoryRoot } from './repository.ts';

/** `SET … NX GET` came with 7.0. */
const OLDEST_MAJOR = 7;

export type RedisServerBinary = { path: string; version: string };

/** No redis-server to be had. Never a skipped test: a missing real part that passes in silence proves nothing. */
export class RedisServerMissing extends Error {
  readonly code = 'SPILLWAY_REDIS_SERVER_MISSING';
  readonly remediation = 'run `npm run infra` once (it fetches Redis into .cache where it can), or set REDIS_SERVER_BIN to a redis-server of 7.0 or later';

  constructor(looked: readonly string[]) {
    super(`no redis-server of ${OLDEST_MAJOR}.0 or later; looked at ${looked.join(', ') || 'REDIS_SERVER_BIN, .cache, PATH'}`);
    this.message += `; ${this.remediation}`;
    this.name = 'RedisServerMissing';
  }
}

let found: RedisServerBinary | undefined;

/** `$REDIS_SERVER_BIN`, the project's cache, `PATH`: the first that runs and is new enough. */
export const findRedisServer = (env: NodeJS.ProcessEnv = process.env): RedisServerBinary => (found ??= searchRedis(env));

export const searchRedis = (env: NodeJS.ProcessEnv, root = repositoryRoot()): RedisServerBinary => {
  const named = env['REDIS_SERVER_BIN'];
  const onPath = (env['PATH'] ?? '').split(delimiter).filter(Boolean).map((dir) => join(dir, 'redis-server'));
  // named on purpose means this one or none
  const candidates = named ? [named] : [join(root, '.cache', 'bin', 'redis-server'), ...onPath].filter(isExecutable);
  const looked: string[] = [];
  for (const path of candidates) {
    const version = versionOf(path);
    if (version !== undefined && Number.parseInt(version, 10) >= OLDEST_MAJOR) return { path, version };
    looked.push(`${path} (${version ?? 'does not run'})`);
  }
  throw new RedisServerMissing(looked);
};

const isExecutable = (path: string): boolean => {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
};

/** `Redis server v=7.0.15 sha=…` */
const versionOf = (path: string): string | undefined => {
  try {
    return /v=(\d+\.\d+\.\d+)/.exec(execFileSync(path, ['--version'], { encoding: 'utf8', timeout: 10_000 }))?.[1];
  } catch {
    return undefined;
  }
};
