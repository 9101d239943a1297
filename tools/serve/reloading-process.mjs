import { spawn } from 'node:child_process';
import { relative } from 'node:path';
import { signalGroup } from '../launcher/process-marks.mjs';
import { say } from '../say.mjs';
import { FolderWatch } from './folder-watch.mjs';

/** An app drains for up to 10 s. */
const STOP_WITHIN_MS = 12_000;

/** One process that is stopped and started again; when it ends by itself, it stays ended until the next start. */
class ReloadingProcess {
  /** @param {string} command @param {string[]} args */
  constructor(command, args) {
    this.command = command;
    this.args = args;
    /** @type {Promise<number> | undefined} resolves with the exit code */
    this.running = undefined;
    this.wanted = true;
  }

  start() {
    // a group of its own: Ctrl-C reaches us alone, and the app hears of it once (a second signal means "at once" to it)
    const child = spawn(this.command, this.args, { stdio: 'inherit', detached: true });
    this.child = child;
    const ended = new Promise((resolve) => {
      child.once('error', (error) => resolve(this.onEnd(error.message, 1)));
      // ended by the SIGTERM we sent before it could listen to it: as told
      child.once('exit', (code, signal) => resolve(this.onEnd(signal ?? `exit code ${code}`, code ?? (signal === 'SIGTERM' && !this.wanted ? 0 : 1))));
    });
    this.running = ended;
  }

  /** @param {string} how @param {number} code */
  onEnd(how, code) {
    this.running = undefined;
    if (this.wanted) say(`ended (${how}); the next change starts it again`);
    return code;
  }

  /** @returns {Promise<number>} its exit code */
  async stop() {
    this.wanted = false;
    if (!this.running) return 0;
    const pid = /** @type {number} */ (this.child?.pid);
    signalGroup(pid, 'SIGTERM');
    const lastResort = setTimeout(() => signalGroup(pid, 'SIGKILL'), STOP_WITHIN_MS);
    const code = await this.running;
    clearTimeout(lastResort);
    return code;
  }

  async restart() {
    await this.stop();
    this.wanted = true;
    this.start();
  }
}

/** @returns {Promise<void>} when somebody says stop */
const stopped = () =>
  new Promise((resolve) => {
    for (const signal of /** @type {const} */ (['SIGINT', 'SIGTERM', 'SIGHUP'])) process.on(signal, () => resolve());
  });

/**
 * Runs a command, and again on each change in the folders, until a signal.
 * @param {{ folders: readonly string[], command: string, args: string[] }} given
 * @returns {Promise<number>} the exit code
 */
export const serveUntilStopped = async ({ folders, command, args }) => {
  const served = new ReloadingProcess(command, args);
  /** @type {Promise<void>} one restart after the other */
  let restarts = Promise.resolve();
  let over = false;
  const watch = new FolderWatch(folders, (file) => {
    say(`${relative(process.cwd(), file)} changed: starting again`);
    restarts = restarts.then(() => (over ? undefined : served.restart()));
  });
  served.start();
  await stopped();
  over = true;
  watch.close();
  await restarts;
  return served.stop();
};
