import { execFileSync } from 'node:child_process';
import { accessSync, constants, existsSync, readdirSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { repositoryRoot } from './repository.ts';

/** Atomic batches that are one fsync came with 2.15; what is older would pass or fail for the wrong reasons. */
const OLDEST = [2, 15] as const;

export type NatsServerBinary = { path: string; version: string };

/** No nats-server to be had. Never a skipped test: a missing real part that passes in silence proves nothing. */
export class NatsServerMissing extends Error {
  readonly code = 'SPILLWAY_NATS_SERVER_MISSING';
  readonly remediation = 'run `npm run infra` once (it fetches nats-server into .cache), or set NATS_SERVER_BIN to a nats-server of 2.15 or later';

  constructor(looked: readonly string[]) {
    super(`no nats-server of ${OLDEST.join('.')} or later; looked at ${looked.join(', ')}`);
    this.message += `; ${this.remediation}`;
    this.name = 'NatsServerMissing';
  }
}

let found: NatsServerBinary | undefined;

/** `$NATS_SERVER_BIN`, the project's cache, `PATH`: the first that runs and is new enough. No shell takes part. */
export const findNatsServer = (env: NodeJS.ProcessEnv = process.env): NatsServerBinary => (found ??= search(env));

export const search = (env: NodeJS.ProcessEnv, root = repositoryRoot()): NatsServerBinary => {
  const named = env['NATS_SERVER_BIN'];
  // Named on purpose means this one or none: falling through to another would test something else than asked for.
  const candidates = named ? [named] : [...cached(root), ...onPath(env['PATH'] ?? '')];
  const looked: string[] = [];
  for (const path of candidates) {
    const version = versionOf(path);
    if (version !== undefined && newEnough(version)) return { path, version };
    looked.push(`${path} (${version ?? 'does not run'})`);
  }
  throw new NatsServerMissing(looked.length > 0 ? looked : ['NATS_SERVER_BIN', join(root, '.cache'), 'PATH']);
};

const cached = (root: string): string[] => {
  const versions = join(root, '.cache', 'nats-server');
  const dirs = existsSync(versions) ? readdirSync(versions).toSorted().toReversed() : [];
  return [join(root, '.cache', 'bin', 'nats-server'), ...dirs.map((dir) => join(versions, dir, 'nats-server'))].filter(isExecutable);
};

const onPath = (path: string): string[] =>
  path
    .split(delimiter)
    .filter(Boolean)
    .map((dir) => join(dir, 'nats-server'))
    .filter(isExecutable);

const isExecutable = (path: string): boolean => {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
};

/** `nats-server: v2.15.1` */
const versionOf = (path: string): string | undefined => {
  try {
    return /v(\d+\.\d+\.\d+\S*)/.exec(execFileSync(path, ['--version'], { encoding: 'utf8', timeout: 10_000 }))?.[1];
  } catch {
    return undefined;
  }
};

const newEnough = (version: string): boolean => {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  return major > OLDEST[0] || (major === OLDEST[0] && minor >= OLDEST[1]);
};
