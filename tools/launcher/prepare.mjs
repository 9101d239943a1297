import { install, isInstalled } from '../bootstrap/packages.mjs';
import { isReentered, reenter, runsUnderLockedNode } from '../bootstrap/reenter.mjs';
import { emptyDataFolder, openDataFolder } from './data-folder.mjs';
import { InstanceLock } from './instance-lock.mjs';
import { stopLeftBehind } from './left-behind.mjs';

/**
 * From a fresh clone, or whatever was here before, to a process that may start things: alone on its data, nothing of an earlier start running,
 * packages as the lock says, under the lock's Node.
 * @param {import('./settings.mjs').Settings} settings
 * @param {{ say: (text: string) => void }} options
 * @returns {Promise<{ lock: InstanceLock } | { exitCode: number }>} the exit code of the process that did it all, under the other Node
 */
export const prepare = async (settings, { say }) => {
  const { root, env, dataFolder } = settings;
  openDataFolder(dataFolder);
  if (isReentered(env)) return { lock: InstanceLock.inherit(settings) };

  // before node_modules is touched: npm ci would pull the modules out from under a running instance
  const lock = InstanceLock.acquire(settings);
  try {
    await stopLeftBehind(lock.leftBehind, say);
    lock.record([]);
    if (settings.fresh) {
      emptyDataFolder(dataFolder);
      say(`emptied ${dataFolder}`);
    }
    if (!isInstalled(root)) await install({ root, say, env });
    if (runsUnderLockedNode(root)) return { lock };
    const exitCode = await reenter({ root, env });
    lock.release();
    return { exitCode };
  } catch (error) {
    lock.release();
    throw error;
  }
};
