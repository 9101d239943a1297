import { spawn } from 'node:child_process';
import { existsSync, realpathSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { watchNpm } from './parent-watch.mjs';

/** The Node that the lock brought; undefined where it brings none. @param {string} root */
export const lockedNode = (root) => {
  const path = join(root, 'node_modules', '.bin', 'node');
  return existsSync(path) ? realpathSync(path) : undefined;
};

/** @param {string} root */
export const runsUnderLockedNode = (root) => {
  const node = lockedNode(root);
  return node === undefined || node === realpathSync(process.execPath);
};

/**
 * Runs the same command again under the Node of the lock and gives its exit code. The two are one command to whoever signals either:
 * the outer passes on that it was told to stop, and the inner stops when the outer is gone.
 * @param {{ root: string, env?: NodeJS.ProcessEnv }} options
 * @returns {Promise<number>}
 */
export const reenter = ({ root, env = process.env }) =>
  new Promise((resolve, reject) => {
    const node = /** @type {string} */ (lockedNode(root));
    const path = [join(root, 'node_modules', '.bin'), env.PATH].join(delimiter);
    const child = spawn(node, process.argv.slice(1), { env: { ...env, PATH: path, SPILLWAY_REENTERED: String(process.pid) }, stdio: ['inherit', 'inherit', 'inherit', 'ipc'] });
    const passOn = (/** @type {string} */ why) => child.connected && child.send({ stop: why });
    for (const signal of /** @type {const} */ (['SIGINT', 'SIGTERM', 'SIGHUP'])) process.on(signal, () => passOn(signal));
    watchNpm(env, passOn);
    child.on('error', reject);
    child.on('exit', (code) => resolve(code ?? 1));
  });

/** Whether this is the inner one. The mark names its outer, so what the inner starts does not take the mark it inherits for its own. @param {NodeJS.ProcessEnv} env */
export const isReentered = (env) => env.SPILLWAY_REENTERED === String(process.ppid);

/** What the inner one listens to. @param {(why: string) => void} stop */
export const onOuterSays = (stop) => {
  if (!process.send) return;
  process.on('message', (message) => {
    if (message && typeof message === 'object' && 'stop' in message) stop(String(message.stop));
  });
  process.on('disconnect', () => stop('npm start was killed'));
  process.channel?.unref(); // listening alone must not keep us from ending
};
