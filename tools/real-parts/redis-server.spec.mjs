import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findRedisServer } from './redis-server.mjs';

const folder = mkdtempSync(join(tmpdir(), 'spillway-redis-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** A redis-server in so far as it says its version. @param {string} version */
const binary = (version) => {
  const path = join(mkdtempSync(join(folder, 'bin-')), 'redis-server');
  writeFileSync(path, `#!/bin/sh\necho "Redis server v=${version} sha=00000000:0 malloc=jemalloc-5.3.0 bits=64"\n`);
  chmodSync(path, 0o755);
  return path;
};

const nothingIsMissing = async () => undefined;

/** @param {NodeJS.ProcessEnv} env @param {Partial<Parameters<typeof findRedisServer>[0]>} [options] */
const find = async (env, options) => {
  /** @type {string[]} */
  const said = [];
  const found = await findRedisServer({ cacheFolder: join(folder, 'no-cache'), say: (text) => said.push(text), env, missing: async () => 'not a Debian machine', ...options });
  return { found, said };
};

it('takes the one that the environment names, and no other when that will not do', async () => {
  const good = binary('7.2.4');
  const old = binary('6.0.16');
  expect((await find({ REDIS_SERVER_BIN: good })).found).toEqual({ path: good, version: '7.2.4', from: 'REDIS_SERVER_BIN' });
  await expect(find({ REDIS_SERVER_BIN: old })).rejects.toThrow(`REDIS_SERVER_BIN is ${old}, version 6.0.16: a redis-server of 7.0.0 or newer is wanted`);
  await expect(find({ REDIS_SERVER_BIN: '/bin/false' })).rejects.toThrow('does not answer --version');
});

it('takes the one on PATH, unless it is too old', async () => {
  const path = binary('8.0.2');
  expect((await find({ PATH: `${join(path, '..')}:/none` })).found).toEqual({ path, version: '8.0.2', from: 'PATH' });
  expect(await find({ PATH: join(binary('6.2.0'), '..') })).toEqual({ found: undefined, said: ['no redis-server here: not a Debian machine'] });
});

it('is no reason not to start when there is none to be had, but says why', async () => {
  const fetched = { path: '/cache/bin/redis-server', version: '7.0.15', from: 'Debian’s package' };
  expect((await find({ PATH: '/none' }, { missing: nothingIsMissing, fetch: async () => fetched })).found).toEqual(fetched);
  const failed = await find({ PATH: '/none' }, { missing: nothingIsMissing, fetch: async () => Promise.reject(new Error('the mirror is down')) });
  expect(failed.found).toBeUndefined();
  expect(failed.said).toEqual(['fetching redis-server: Debian’s package (10 MB, 3–10 s) …', 'no redis-server here: the mirror is down']);
});
