import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

/**
 * When a process began, as this system tells it: with the pid it names one process for good, while a pid alone is given to another some day.
 * Undefined when there is none, or only a zombie whose parent has not asked after it (a container without an init keeps those for ever).
 * @param {number} pid
 * @returns {string | undefined}
 */
export const startMark = (pid) => (process.platform === 'linux' ? linuxMark(pid) : portableMark(pid));

/** @param {number} pid */
const linuxMark = (pid) => {
  let stat;
  try {
    stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
  } catch {
    return undefined; // no such process
  }
  // proc(5): "pid (name) state ppid … starttime …", the name may hold blanks and brackets; state is field 3, starttime field 22 in ticks since boot
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  if (fields[0] === 'Z' || fields[0] === 'X') return undefined;
  return `${readFileSync('/proc/sys/kernel/random/boot_id', 'latin1').trim()}:${fields[19]}`;
};

/** @param {number} pid */
const portableMark = (pid) => {
  try {
    const [state, ...began] = execFileSync('ps', ['-o', 'state=,lstart=', '-p', String(pid)], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim().split(/\s+/);
    return state === '' || state.startsWith('Z') ? undefined : began.join(' ');
  } catch {
    return undefined; // ps answers 1 for no such process
  }
};

/** @typedef {{ name: string, pid: number, mark: string }} ProcessRecord */

/** @param {ProcessRecord | { pid: number, mark: string }} record */
export const isRunning = ({ pid, mark }) => startMark(pid) === mark;

/** To the process and all of its group; nothing when it is gone. @param {number} pid @param {NodeJS.Signals} signal */
export const signalGroup = (pid, signal) => {
  try {
    process.kill(-pid, signal);
  } catch (error) {
    if (/** @type {NodeJS.ErrnoException} */ (error).code !== 'ESRCH') throw error;
  }
};
