// What processes cost, as the kernel counts it (Linux).
import { readFileSync } from 'node:fs';

const TICKS_PER_SECOND = 100; // USER_HZ, fixed on Linux

/** CPU seconds that a process and its threads have used. */
export const cpuSeconds = (pid) => {
  // the name in parentheses may hold anything: count from behind it
  const fields = readFileSync(`/proc/${pid}/stat`, 'latin1').split(') ')[1].split(' ');
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
};

const kilobytes = (text, name) => Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(text)?.[1] ?? 0);

/** Resident, and proportional (shared pages divided among who shares them), in MB. */
export const memoryMb = (pid) => {
  const status = readFileSync(`/proc/${pid}/status`, 'latin1');
  let pss = 0;
  try {
    pss = kilobytes(readFileSync(`/proc/${pid}/smaps_rollup`, 'latin1'), 'Pss');
  } catch {
    // not every kernel lets us read it: then only RSS is reported
  }
  return { rss: Math.round(kilobytes(status, 'VmRSS') / 1_024), pss: Math.round(pss / 1_024) };
};

export const cpuOf = (pids) => Object.fromEntries(Object.entries(pids).map(([name, pid]) => [name, cpuSeconds(pid)]));
export const memoryOf = (pids) => Object.fromEntries(Object.entries(pids).map(([name, pid]) => [name, memoryMb(pid)]));

/** CPU µs an event, by process. */
export const cpuMicrosPerEvent = (before, after, events) => Object.fromEntries(Object.entries(after).map(([name, seconds]) => [name, Math.round(((seconds - before[name]) * 1e6) / events)]));
