import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { Refusal } from '../refusal.mjs';
import { logFile } from './log-files.mjs';

/** A plane that has never been ready and whose app dies so often in a row will not become ready by itself. */
const DEATHS = 4;
const SHOWN_BYTES = 4_000;

/** @param {string} file */
const endOf = (file) => {
  const descriptor = openSync(file, 'r');
  try {
    const { size } = fstatSync(descriptor);
    const buffer = Buffer.alloc(Math.min(size, SHOWN_BYTES));
    readSync(descriptor, buffer, 0, buffer.length, size - buffer.length);
    return buffer.toString('utf8').split('\n').slice(-12).join('\n').trim();
  } finally {
    closeSync(descriptor);
  }
};

/**
 * While a start is under way, a process that ends again and again ends the start: with what it said last. Afterwards it is restarted for ever.
 * @param {AbortSignal} stop @param {string} logFolder
 */
export const guardBoot = (stop, logFolder) => {
  const hopeless = new AbortController();
  let underWay = true;
  return {
    signal: AbortSignal.any([stop, hopeless.signal]),
    died: (/** @type {string} */ name, /** @type {number} */ deathsInARow) => {
      if (!underWay || deathsInARow < DEATHS) return;
      hopeless.abort(new Refusal(`${name} does not start: it ended ${deathsInARow} times. The end of its log (${logFile(logFolder, name)}):\n${endOf(logFile(logFolder, name))}`));
    },
    over: () => {
      underWay = false;
    },
    /** @returns {Refusal | undefined} */
    get refusal() {
      return hopeless.signal.reason;
    },
  };
};
