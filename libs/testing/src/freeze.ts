import { readdirSync, readFileSync } from 'node:fs';

/** A stop is asked for, not done: on a busy machine a thread may run on for a while. Far longer than any takes. */
const STOPPED_WITHIN_MS = 10_000;

/** SIGSTOP, and back when every thread stands: what is asked of the process from then on gets no answer. @throws Error when one does not stop */
export const freeze = (pid: number): void => {
  process.kill(pid, 'SIGSTOP');
  for (const deadline = performance.now() + STOPPED_WITHIN_MS; !allStopped(pid); ) {
    if (performance.now() > deadline) throw new Error(`process ${pid} did not stop within ${STOPPED_WITHIN_MS} ms`);
    // a few milliseconds at the most, and a caller that goes on in the next line must find it frozen
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1);
  }
};

export const thaw = (pid: number): void => {
  process.kill(pid, 'SIGCONT');
};

/** `T` of /proc/<pid>/task/<thread>/stat; where there is no /proc, the signal has to do. */
const allStopped = (pid: number): boolean => {
  let threads: string[];
  try {
    threads = readdirSync(`/proc/${pid}/task`);
  } catch {
    return true;
  }
  return threads.every((thread) => stateOf(pid, thread) === 'T');
};

/** A thread that has just ended has no state, and does nothing either. */
const stateOf = (pid: number, thread: string): string => {
  try {
    return readFileSync(`/proc/${pid}/task/${thread}/stat`, 'latin1').split(') ')[1]?.[0] ?? 'T';
  } catch {
    return 'T';
  }
};
