import { readFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';

/** USER_HZ, fixed on Linux. */
const TICKS_PER_SECOND = 100;

/** CPU seconds that a process and its threads have used. */
const cpuSeconds = (pid: number): number => {
  // the name in parentheses may hold anything: count from behind it
  const fields = readFileSync(`/proc/${pid}/stat`, 'latin1').split(') ')[1]?.split(' ') ?? [];
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
};

/** How many cores these processes kept busy, together, over so many seconds from now. */
export const coresUsed = async (pids: readonly number[], seconds: number): Promise<number> => {
  const total = (): number => pids.reduce((sum, pid) => sum + cpuSeconds(pid), 0);
  const [before, startedAt] = [total(), performance.now()];
  await pause(seconds * 1_000);
  return ((total() - before) * 1_000) / (performance.now() - startedAt);
};
