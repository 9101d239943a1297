import { startMark } from '../launcher/process-marks.mjs';

const LOOK_EVERY_MS = 500;

/**
 * npm, killed by SIGKILL, dies without a word to what it runs: so who runs under npm looks whether it is still there.
 * (Without npm a parent may well end first: `(node tools/start.mjs &)`.)
 * @param {NodeJS.ProcessEnv} env @param {(why: string) => void} stop
 */
export const watchNpm = (env, stop) => {
  if (!env.npm_lifecycle_event) return;
  const parent = { pid: process.ppid, mark: startMark(process.ppid) };
  const timer = setInterval(() => {
    if (process.ppid === parent.pid && startMark(parent.pid) === parent.mark) return;
    clearInterval(timer);
    stop('npm was killed');
  }, LOOK_EVERY_MS).unref();
};
