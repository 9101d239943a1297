import { spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { startMark, signalGroup } from './process-marks.mjs';

const FIRST_RESTART_MS = 250;
/** So that whatever dies is back within ten seconds, boot included, however often it has died before. */
const LONGEST_RESTART_MS = 5_000;
/** Who has lived this long died of something new: the waiting begins small again. */
const LIVED_WELL_MS = 10_000;

/** @param {number} deaths in a row @returns {number} */
export const restartDelayMs = (deaths) => Math.min(LONGEST_RESTART_MS, FIRST_RESTART_MS * 2 ** (deaths - 1));

/**
 * @typedef {object} ProcessSpec
 * @property {string} name
 * @property {string} command
 * @property {string[]} args
 * @property {string} cwd
 * @property {NodeJS.ProcessEnv} env
 * @property {string} logFile
 * @property {number} stopWithinMs from SIGTERM to SIGKILL
 * @property {boolean} [foundation] the apps stand on it: it stops after them
 */

/**
 * One process, kept alive until it is told to stop. It writes to its log file itself: nothing that it says passes through us, so that a busy
 * plane costs the launcher nothing, and a launcher that was killed breaks nobody's pipe.
 */
export class ManagedProcess {
  /** @param {ProcessSpec} spec @param {{ say: (text: string) => void, changed: () => void, died?: (deathsInARow: number) => void }} listener */
  constructor(spec, { say, changed, died }) {
    this.spec = spec;
    this.say = say;
    this.changed = changed;
    this.died = died;
    this.stopping = new AbortController();
    this.deathsInARow = 0;
    /** @type {import('./process-marks.mjs').ProcessRecord | undefined} */
    this.record = undefined;
    this.ended = Promise.resolve();
  }

  start() {
    const { command, args, cwd, env, logFile } = this.spec;
    const log = openSync(logFile, 'a', 0o600);
    // a group of its own: Ctrl-C in a terminal reaches us only, and we say who stops when
    const child = spawn(command, args, { cwd, env, detached: true, stdio: ['ignore', log, log] });
    closeSync(log);
    const began = Date.now();
    if (child.pid) this.record = { name: this.spec.name, pid: child.pid, mark: startMark(child.pid) ?? '' };
    this.ended = new Promise((resolve) => {
      child.once('error', (error) => resolve(this.onEnd(error.message, began)));
      child.once('exit', (code, signal) => resolve(this.onEnd(signal ?? `exit code ${code}`, began)));
    });
    this.changed();
  }

  /** @param {string} how @param {number} began */
  onEnd(how, began) {
    this.record = undefined;
    this.changed();
    if (this.stopping.signal.aborted) return;
    const livedMs = Date.now() - began;
    this.deathsInARow = livedMs >= LIVED_WELL_MS ? 1 : this.deathsInARow + 1;
    const waitMs = restartDelayMs(this.deathsInARow);
    this.say(`${this.spec.name} ended (${how}) after ${(livedMs / 1_000).toFixed(1)} s; starting it again in ${waitMs / 1_000} s. Its log: ${this.spec.logFile}`);
    this.died?.(this.deathsInARow);
    void this.restartAfter(waitMs);
  }

  /** @param {number} waitMs */
  async restartAfter(waitMs) {
    try {
      await delay(waitMs, undefined, { signal: this.stopping.signal });
      this.start();
    } catch (error) {
      if (!this.stopping.signal.aborted) throw error; // told to stop meanwhile: nothing to start
    }
  }

  /** SIGTERM, and SIGKILL for who does not go. May be called twice. */
  async stop() {
    this.stopping.abort();
    if (!this.record) return;
    const { name, pid } = this.record;
    signalGroup(pid, 'SIGTERM');
    const lastResort = setTimeout(() => {
      this.say(`${name} did not stop within ${this.spec.stopWithinMs / 1_000} s: killed`);
      signalGroup(pid, 'SIGKILL');
    }, this.spec.stopWithinMs);
    await this.ended;
    clearTimeout(lastResort);
  }

  kill() {
    this.stopping.abort();
    if (this.record) signalGroup(this.record.pid, 'SIGKILL');
  }
}
