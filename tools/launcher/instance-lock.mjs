import { linkSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Refusal } from '../refusal.mjs';
import { isRunning, startMark } from './process-marks.mjs';

/**
 * @typedef {import('./process-marks.mjs').ProcessRecord} ProcessRecord
 * @typedef {{ command: string, pid: number, mark: string, portBase: number, processes: ProcessRecord[] }} LockContent
 */

const fileIn = (/** @type {string} */ dataFolder) => join(dataFolder, 'instance.lock');

/** @param {string} file @returns {LockContent | undefined} */
const read = (file) => {
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch {
    return undefined; // none, or not ours
  }
};

/** Who works on this data directory at the moment, if anybody does. @param {string} dataFolder */
export const runningInstance = (dataFolder) => {
  const content = read(fileIn(dataFolder));
  return content && isRunning(content) ? content : undefined;
};

/** @param {LockContent} other @param {string} dataFolder */
export const alreadyRunning = (other, dataFolder) =>
  new Refusal(
    `${other.command} is running already (pid ${other.pid}, ports from ${other.portBase}) on the data in ${dataFolder}.\n` +
      'Stop it first (Ctrl-C where it runs), or start a second plane beside it: SPILLWAY_DATA_DIR=.spillway-2 SPILLWAY_PORT_BASE=18080 npm start',
    { exitCode: 2 },
  );

/**
 * One start a data directory: the lock is a file that names a process by pid and start time, and what it has started. It is valid as long as that
 * process lives, so a start that was killed leaves nothing to clear away by hand.
 */
export class InstanceLock {
  /** @param {string} dataFolder @param {LockContent} content @param {ProcessRecord[]} leftBehind */
  constructor(dataFolder, content, leftBehind) {
    this.file = fileIn(dataFolder);
    this.content = content;
    /** What the instance before this one started and did not stop. */
    this.leftBehind = leftBehind;
  }

  /** @param {{ dataFolder: string, command: string, portBase: number }} settings */
  static acquire({ dataFolder, command, portBase }) {
    const content = { command, pid: process.pid, mark: /** @type {string} */ (startMark(process.pid)), portBase, processes: /** @type {ProcessRecord[]} */ ([]) };
    const leftBehind = takePlace(dataFolder, content);
    const lock = new InstanceLock(dataFolder, content, leftBehind);
    if (leftBehind.length > 0) lock.record(leftBehind); // still named, until they are stopped
    return lock;
  }

  /** From the process that ran this command under another Node, to us. @param {{ dataFolder: string, command: string, portBase: number }} settings */
  static inherit(settings) {
    const content = read(fileIn(settings.dataFolder));
    if (content?.pid !== process.ppid || !isRunning(content)) return InstanceLock.acquire(settings);
    const lock = new InstanceLock(settings.dataFolder, { ...content, pid: process.pid, mark: /** @type {string} */ (startMark(process.pid)) }, content.processes.filter(isRunning));
    lock.record(lock.leftBehind);
    return lock;
  }

  /** Replaces what is named as started by us. @param {ProcessRecord[]} processes */
  record(processes) {
    this.content = { ...this.content, processes };
    writeFileSync(`${this.file}.next`, JSON.stringify(this.content), { mode: 0o600 });
    renameSync(`${this.file}.next`, this.file);
  }

  release() {
    if (read(this.file)?.pid === process.pid) rmSync(this.file, { force: true });
  }
}

/** Puts our lock where none is, or where one of the dead is. @param {string} dataFolder @param {LockContent} content @returns {ProcessRecord[]} what the dead one left running */
const takePlace = (dataFolder, content) => {
  const file = fileIn(dataFolder);
  const mine = `${file}.${process.pid}`;
  const dead = `${mine}.dead`;
  const refuseIfRunning = (/** @type {LockContent | undefined} */ other) => {
    if (other && isRunning(other)) throw alreadyRunning(other, dataFolder);
  };
  writeFileSync(mine, JSON.stringify(content), { mode: 0o600 });
  try {
    refuseIfRunning(read(file));
    const before = moveAway(file, dead);
    if (before && isRunning(before)) linkSync(dead, file); // of two starts that saw the same dead lock, the other was faster: what we moved is its own
    refuseIfRunning(before);
    linkSync(mine, file);
    return before?.processes.filter(isRunning) ?? [];
  } catch (error) {
    if (/** @type {NodeJS.ErrnoException} */ (error).code === 'EEXIST') refuseIfRunning(read(file));
    throw error;
  } finally {
    rmSync(mine, { force: true });
    rmSync(dead, { force: true });
  }
};

/** @param {string} file @param {string} to */
const moveAway = (file, to) => {
  try {
    renameSync(file, to);
    return read(to);
  } catch (error) {
    if (/** @type {NodeJS.ErrnoException} */ (error).code === 'ENOENT') return undefined;
    throw error;
  }
};
