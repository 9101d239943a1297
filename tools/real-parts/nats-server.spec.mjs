import { chmodSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findNatsServer } from './nats-server.mjs';
import { isAtLeast } from './version.mjs';

const folder = mkdtempSync(join(tmpdir(), 'spillway-nats-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** A nats-server in so far as it says its version. @param {string} path @param {string} version */
const write = (path, version) => {
  writeFileSync(path, `#!/bin/sh\necho "nats-server: v${version}"\n`);
  chmodSync(path, 0o755);
  return path;
};

/** @param {string} version @returns {string} a PATH */
const pathWith = (version) => {
  const bin = mkdtempSync(join(folder, 'path-'));
  write(join(bin, 'nats-server'), version);
  return `${bin}:/usr/bin:/bin`;
};

/** @param {string} name @param {string | Error} brings @param {string} [missing] @returns {import('./nats-server.mjs').Source} */
const source = (name, brings, missing) => ({
  name,
  takes: 'a moment',
  missing: async () => missing,
  fetch: async ({ target }) => {
    if (brings instanceof Error) throw brings;
    write(target, brings);
  },
});

/** @param {NodeJS.ProcessEnv} env @param {import('./nats-server.mjs').Source[]} sources @param {string} [cacheFolder] */
const find = async (env, sources = [], cacheFolder = mkdtempSync(join(folder, 'cache-'))) => {
  /** @type {string[]} */
  const said = [];
  return { ...(await findNatsServer({ cacheFolder, say: (text) => said.push(text), env, sources })), said, cacheFolder };
};

it('takes the one that the environment names, and no other when that will not do', async () => {
  const old = write(join(folder, 'old'), '2.9.10');
  const good = write(join(folder, 'good'), '2.16.0');
  expect(await find({ NATS_SERVER_BIN: good, PATH: pathWith('2.15.1') })).toMatchObject({ path: good, version: '2.16.0', from: 'NATS_SERVER_BIN' });
  await expect(find({ NATS_SERVER_BIN: old, PATH: pathWith('2.15.1') })).rejects.toThrow(`NATS_SERVER_BIN is ${old}, version 2.9.10: Spillway needs nats-server 2.15.0 or newer`);
  await expect(find({ NATS_SERVER_BIN: join(folder, 'none') })).rejects.toThrow('does not answer --version');
});

it('takes the one on PATH when it is new enough', async () => {
  expect(await find({ PATH: pathWith('2.15.0') })).toMatchObject({ version: '2.15.0', from: 'PATH' });
});

it('passes over an old one on PATH, fetches from the first source that can, and finds that in its cache the next time', async () => {
  const env = { PATH: pathWith('2.9.10') };
  const sources = [source('not here', new Error('unreachable'), 'no such machine'), source('broken', new Error('mirror is down')), source('good', '2.15.1'), source('never asked', '2.99.0')];
  const first = await find(env, sources);
  expect(first).toMatchObject({ version: '2.15.1', from: 'good', path: join(first.cacheFolder, 'bin', 'nats-server') });
  expect(first.said).toEqual(['fetching nats-server: broken (a moment) …', 'fetching nats-server: good (a moment) …', expect.stringMatching(/^fetched nats-server 2\.15\.1 in \d+ s$/)]);
  expect(readdirSync(first.cacheFolder)).toEqual(['bin']);
  expect(await find(env, [], first.cacheFolder)).toMatchObject({ version: '2.15.1', from: 'the project’s cache', said: [] });
});

it('keeps nothing that is too old or does not run', async () => {
  const cacheFolder = mkdtempSync(join(folder, 'cache-'));
  const junk = { ...source('junk', '0'), fetch: async (/** @type {{ target: string }} */ { target }) => writeFileSync(target, 'not a program') };
  await expect(find({ PATH: '/usr/bin:/bin' }, [source('old', '2.12.0'), junk], cacheFolder)).rejects.toThrow(/old: it brought 2\.12\.0, 2\.15\.0 or newer was wanted\n.*junk: it brought a binary that does not run here/);
  expect(existsSync(join(cacheFolder, 'bin', 'nats-server'))).toBe(false);
});

it('says everything it tried and what to do when there is none', async () => {
  mkdirSync(join(folder, 'empty'), { recursive: true });
  const attempt = find({ PATH: join(folder, 'empty') }, [source('a', new Error('mirror is down')), source('b', '', 'no Go on this machine')]);
  await expect(attempt).rejects.toThrow(/- a: mirror is down\n.*- b: no Go on this machine\n\nSpillway needs nats-server 2\.15\.0 or newer\. Any one of these/);
  await expect(attempt).rejects.toThrow('docker create --name nats-binary nats:2.15.1');
});

it.each([
  ['2.15.0', true],
  ['2.15.1-preview.2', true],
  ['3.0.0', true],
  ['2.14.9', false],
  ['1.99.99', false],
  ['dev', false],
])('%s is new enough: %s', (version, expected) => expect(isAtLeast(version, '2.15.0')).toBe(expected));
