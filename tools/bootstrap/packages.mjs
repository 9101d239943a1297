import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Refusal } from '../refusal.mjs';

/** npm ci on an empty machine takes a minute; somebody who watches wants to hear of it now and then. */
const PROGRESS_EVERY_MS = 10_000;

/** @typedef {{ version?: string, integrity?: string, resolved?: string, link?: boolean, optional?: boolean }} LockEntry */

/** @param {string} file @returns {Record<string, LockEntry> | undefined} */
const packagesIn = (file) => {
  try {
    return JSON.parse(readFileSync(file, 'utf8')).packages;
  } catch {
    return undefined; // not there or cut short: not installed
  }
};

/** @param {LockEntry} wanted @param {LockEntry | undefined} seen */
const isSame = (wanted, seen) => (seen ? wanted.version === seen.version && wanted.integrity === seen.integrity && Boolean(wanted.link) === Boolean(seen.link) : Boolean(wanted.optional));

/**
 * Whether node_modules is what the lock says. npm itself writes what it installed into node_modules/.package-lock.json, as its last step:
 * an install that was broken off has none, and one done by hand counts. Optional packages of other platforms are in the lock only.
 * @param {string} root
 */
export const isInstalled = (root) => {
  const wanted = packagesIn(join(root, 'package-lock.json'));
  const seen = packagesIn(join(root, 'node_modules', '.package-lock.json'));
  if (!wanted || !seen) return false;
  const names = Object.keys(wanted).filter((name) => name !== '');
  return names.every((name) => isSame(wanted[name], seen[name])) && Object.keys(seen).every((name) => name in wanted);
};

/** The npm that runs us and the Node that runs npm: npm ci replaces node_modules, also the Node in it. @param {NodeJS.ProcessEnv} env @returns {[string, string[]]} */
const npm = (env) => (env.npm_execpath && env.npm_node_execpath ? [env.npm_node_execpath, [env.npm_execpath]] : ['npm', []]);

/** @param {{ root: string, say: (text: string) => void, env?: NodeJS.ProcessEnv }} options @returns {Promise<void>} */
export const install = ({ root, say, env = process.env }) =>
  new Promise((resolve, reject) => {
    const began = Date.now();
    const seconds = () => Math.round((Date.now() - began) / 1_000);
    say('installing packages (npm ci), about a minute …');
    const ticker = setInterval(() => say(`still installing, ${seconds()} s …`), PROGRESS_EVERY_MS);
    const [command, args] = npm(env);
    // --loglevel=error: under Node 20 npm warns of every package that wants the Node which this install brings
    const child = spawn(command, [...args, 'ci', '--no-audit', '--no-fund', '--loglevel=error'], { cwd: root, env, stdio: ['ignore', 'ignore', 'inherit'] });
    const ended = (/** @type {string | undefined} */ problem) => {
      clearInterval(ticker);
      if (problem) reject(new Refusal(`npm ci failed (${problem}); what it said is above. Spillway cannot start without its packages.`));
      else resolve(say(`installed in ${seconds()} s`));
    };
    child.on('error', (error) => ended(error.message));
    child.on('close', (code, signal) => ended(code === 0 ? undefined : (signal ?? `exit code ${code}`)));
  });
