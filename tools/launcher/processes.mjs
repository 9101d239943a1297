import { logFile, openLogs } from './log-files.mjs';
import { LogTail } from './log-tail.mjs';
import { ManagedProcess } from './managed-process.mjs';
import { startReaper } from './reaper.mjs';

/**
 * Everything that runs below this command. Whatever is started is named at once to the reaper and in the lock file, so that neither a killed
 * launcher nor a lost power supply leaves a process that nobody knows.
 */
export class Processes {
  /** @param {{ lock: import('./instance-lock.mjs').InstanceLock, logFolder: string, names: string[], say: (text: string) => void }} options */
  constructor({ lock, logFolder, names, say }) {
    this.lock = lock;
    this.logFolder = logFolder;
    this.say = say;
    this.logs = openLogs(logFolder, names);
    this.reaper = startReaper();
    /** @type {ManagedProcess[]} in the order they were started; the broker first */
    this.all = [];
    /** @type {LogTail[]} */
    this.tails = [];
  }

  /** @param {Omit<import('./managed-process.mjs').ProcessSpec, 'logFile'>} spec @param {(deathsInARow: number) => void} [died] */
  start(spec, died) {
    const file = logFile(this.logFolder, spec.name);
    this.tails.push(new LogTail(spec.name, file, this.say));
    const one = new ManagedProcess({ ...spec, logFile: file }, { say: this.say, changed: () => this.record(), died });
    this.all.push(one);
    one.start();
    return one;
  }

  record() {
    const records = this.all.flatMap(({ record }) => record ?? []);
    this.reaper.watch(records.map(({ pid }) => pid).toReversed()); // the reaper stops the last of its line last
    this.lock.record(records);
  }

  /** The apps together, then what they stand on. */
  async stop() {
    for (const foundation of [false, true]) await Promise.all(this.all.filter(({ spec }) => Boolean(spec.foundation) === foundation).map((one) => one.stop()));
    this.close();
  }

  /** At once, for who asks twice. */
  kill() {
    for (const one of this.all) one.kill();
    this.close();
  }

  close() {
    this.logs.close();
    for (const tail of this.tails.splice(0)) tail.close();
    this.reaper.release();
  }
}
