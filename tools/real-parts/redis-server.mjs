import { chmod, mkdir, mkdtemp, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { Refusal } from '../refusal.mjs';
import { debianIsMissing, unpackDebianPackage } from './debian-package.mjs';
import { reasonOf } from './reason.mjs';
import { firstNewEnough, isAtLeast, versionOf } from './version.mjs';

/** `SET … NX GET` came with 7.0. */
const MINIMUM = '7.0.0';

/** @typedef {import('./version.mjs').Found} Found */

/**
 * A binary of Debian's needs libraries that the machine may lack: it lies beside them, and a script of two lines names them.
 * @param {string} folder
 */
const script = (folder) => `#!/bin/sh\nLD_LIBRARY_PATH="${folder}/lib\${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}" exec "${folder}/redis-server" "$@"\n`;

/** @param {string} unpacked @param {string} folder */
const arrange = async (unpacked, folder) => {
  await rm(folder, { recursive: true, force: true });
  await mkdir(join(folder, 'lib'), { recursive: true });
  // one program under several names: it is what it is called. The package redis-server holds only the link that calls it so.
  await rename(join(unpacked, 'usr/bin/redis-check-rdb'), join(folder, 'redis-server'));
  for (const parent of ['usr/lib', 'lib'].map((name) => join(unpacked, name)).filter((path) => existsSync(path))) {
    for (const entry of await readdir(parent, { recursive: true, withFileTypes: true })) {
      if (/\.so(\.|$)/.test(entry.name)) await rename(join(entry.parentPath, entry.name), join(folder, 'lib', entry.name));
    }
  }
};

/** @param {string} cacheFolder @param {string} [installed] @returns {Promise<Found>} */
export const fetchRedis = async (cacheFolder, installed) => {
  await mkdir(join(cacheFolder, 'bin'), { recursive: true });
  const scratch = await mkdtemp(join(cacheFolder, 'fetching-'));
  try {
    const unpacked = await unpackDebianPackage({ packageName: 'redis-tools', folder: scratch, withLibraries: true, installed });
    await arrange(unpacked, join(cacheFolder, 'redis'));
    const target = join(scratch, 'redis-server');
    await writeFile(target, script(join(cacheFolder, 'redis')));
    await chmod(target, 0o755);
    const version = await versionOf(target);
    if (!version || !isAtLeast(version, MINIMUM)) throw new Error(`it brought ${version ?? 'a binary that does not run here'}, ${MINIMUM} or newer was wanted`);
    await rename(target, join(cacheFolder, 'bin', 'redis-server'));
    return { path: join(cacheFolder, 'bin', 'redis-server'), version, from: 'Debian’s package' };
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
};

/** @param {string} path @returns {Promise<Found>} */
const named = async (path) => {
  const version = await versionOf(path);
  if (!version || !isAtLeast(version, MINIMUM)) throw new Refusal(`REDIS_SERVER_BIN is ${path}, ${version ? `version ${version}` : 'which does not answer --version'}: a redis-server of ${MINIMUM} or newer is wanted.`);
  return { path, version, from: 'REDIS_SERVER_BIN' };
};

/**
 * A redis-server new enough, from wherever this machine has it; undefined when there is none to be had, which is no reason not to start.
 * @param {{ cacheFolder: string, say: (text: string) => void, env?: NodeJS.ProcessEnv, fetch?: typeof fetchRedis, missing?: typeof debianIsMissing }} options
 * @returns {Promise<Found | undefined>}
 */
export const findRedisServer = async ({ cacheFolder, say, env = process.env, fetch = fetchRedis, missing = debianIsMissing }) => {
  if (env.REDIS_SERVER_BIN) return named(env.REDIS_SERVER_BIN);
  const onPath = (env.PATH ?? '').split(delimiter).filter(Boolean).map((folder) => join(folder, 'redis-server'));
  const there = (await firstNewEnough(onPath, MINIMUM, 'PATH')) ?? (await firstNewEnough([join(cacheFolder, 'bin', 'redis-server')], MINIMUM, 'the project’s cache'));
  if (there) return there;
  const why = await missing();
  if (why) {
    say(`no redis-server here: ${why}`);
    return undefined;
  }
  say('fetching redis-server: Debian’s package (10 MB, 3–10 s) …');
  try {
    return await fetch(cacheFolder);
  } catch (error) {
    say(`no redis-server here: ${reasonOf(error)}`);
    return undefined;
  }
};
