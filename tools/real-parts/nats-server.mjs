import { chmod, copyFile, mkdir, mkdtemp, rename, rm } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { Refusal } from '../refusal.mjs';
import { debianIsMissing, unpackDebianPackage } from './debian-package.mjs';
import { fetchWithGo, goIsMissing } from './go-install.mjs';
import { reasonOf } from './reason.mjs';
import { fetchRelease } from './release-archive.mjs';
import { firstNewEnough, isAtLeast, versionOf } from './version.mjs';

/** From 2.15 on an atomic batch is one disk sync; 2.14 and older lack that, 2.9 (Debian 12) lacks batches and per-message TTLs too. */
export const MINIMUM = '2.15.0';
export const PINNED = '2.15.1';

/**
 * @typedef {import('./version.mjs').Found} Found
 * @typedef {{ target: string, folder: string, env: NodeJS.ProcessEnv }} Wanted
 * @typedef {{ name: string, takes: string, missing: () => Promise<string | undefined>, fetch: (wanted: Wanted) => Promise<void> }} Source
 */

/** Where a missing nats-server comes from, in this order: the fastest first. @type {Source[]} */
export const SOURCES = [
  {
    name: 'Debian’s package',
    takes: '17 MB, 6–20 s',
    missing: debianIsMissing,
    // stable releases hold 2.9 and 2.10; the unstable one's binary needs nothing but libc ≥ 2.34, and so runs on them
    fetch: async ({ target, folder }) => copyFile(join(await unpackDebianPackage({ packageName: 'nats-server', folder, release: 'unstable' }), 'usr/sbin/nats-server'), target),
  },
  {
    name: 'go install',
    takes: '1–2 min',
    missing: goIsMissing,
    fetch: ({ target, folder, env }) => fetchWithGo({ module: 'github.com/nats-io/nats-server/v2', version: PINNED, target, folder, env }),
  },
  {
    name: 'the official release',
    takes: '7 MB',
    missing: async () => undefined,
    fetch: ({ target, folder }) => fetchRelease({ releases: 'https://github.com/nats-io/nats-server/releases/download', version: PINNED, target, folder }),
  },
];

const howToBringOne = (/** @type {string} */ cached) =>
  [
    `Spillway needs nats-server ${MINIMUM} or newer. Any one of these brings it, then start again:`,
    '  - NATS_SERVER_BIN=<path of a nats-server binary> npm start',
    '  - install it so that it is on PATH (macOS: brew install nats-server)',
    '  - take it out of the official container image:',
    `      docker create --name nats-binary nats:${PINNED} && docker cp nats-binary:/nats-server ${cached} && docker rm nats-binary`,
  ].join('\n');

/** Named by the environment: then that one or none. @param {string} path @returns {Promise<Found>} */
const named = async (path) => {
  const version = await versionOf(path);
  if (!version) throw new Refusal(`NATS_SERVER_BIN is ${path}, which does not answer --version: it must name a nats-server binary that runs on this machine.`);
  if (!isAtLeast(version, MINIMUM)) throw new Refusal(`NATS_SERVER_BIN is ${path}, version ${version}: Spillway needs nats-server ${MINIMUM} or newer.`);
  return { path, version, from: 'NATS_SERVER_BIN' };
};

/** @param {Source} source @param {string} cacheFolder @param {NodeJS.ProcessEnv} env @returns {Promise<Found>} */
const fetchInto = async (source, cacheFolder, env) => {
  const binaries = join(cacheFolder, 'bin');
  await mkdir(binaries, { recursive: true });
  // moved into place when it is whole and has run once: two starts at once, or a killed one, leave no half binary behind
  const folder = await mkdtemp(join(cacheFolder, 'fetching-'));
  try {
    const target = join(folder, 'nats-server.fetched');
    await source.fetch({ target, folder, env });
    await chmod(target, 0o755);
    const version = await versionOf(target);
    if (!version || !isAtLeast(version, MINIMUM)) throw new Error(`it brought ${version ?? 'a binary that does not run here'}, ${MINIMUM} or newer was wanted`);
    await rename(target, join(binaries, 'nats-server'));
    return { path: join(binaries, 'nats-server'), version, from: source.name };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
};

/**
 * A nats-server new enough, from wherever this machine has it; fetched into the project's cache when it has none.
 * @param {{ cacheFolder: string, say: (text: string) => void, env?: NodeJS.ProcessEnv, sources?: Source[] }} options
 * @returns {Promise<Found>}
 */
export const findNatsServer = async ({ cacheFolder, say, env = process.env, sources = SOURCES }) => {
  if (env.NATS_SERVER_BIN) return named(env.NATS_SERVER_BIN);
  const onPath = (env.PATH ?? '').split(delimiter).filter(Boolean).map((folder) => join(folder, 'nats-server'));
  const cached = join(cacheFolder, 'bin', 'nats-server');
  const there = (await firstNewEnough(onPath, MINIMUM, 'PATH')) ?? (await firstNewEnough([cached], MINIMUM, 'the project’s cache'));
  if (there) return there;

  const failures = [];
  for (const source of sources) {
    const why = await source.missing();
    if (why) {
      failures.push(`  - ${source.name}: ${why}`);
      continue;
    }
    const began = Date.now();
    say(`fetching nats-server: ${source.name} (${source.takes}) …`);
    try {
      const found = await fetchInto(source, cacheFolder, env);
      say(`fetched nats-server ${found.version} in ${Math.round((Date.now() - began) / 1_000)} s`);
      return found;
    } catch (error) {
      failures.push(`  - ${source.name}: ${reasonOf(error)}`);
    }
  }
  throw new Refusal(`No nats-server could be had here:\n${failures.join('\n')}\n\n${howToBringOne(cached)}`);
};
