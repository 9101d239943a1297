import { setTimeout as sleep } from 'node:timers/promises';

/** Between two looks. Short enough that a test is not slower for it, long enough not to starve what it waits for. */
const PAUSE_MS = 25;

/**
 * Repeats an assertion until it holds, and then gives its value. The only waiting a test may do: no bare sleeps.
 * The deadline is ten times what a slow machine needs, because it costs nothing when the check holds at once.
 * @throws what the check threw last, once the time is up
 */
export const eventually = async <T>(check: () => T | Promise<T>, timeoutMs = 20_000): Promise<T> => {
  for (const deadline = performance.now() + timeoutMs; ; await sleep(PAUSE_MS)) {
    try {
      return await check();
    } catch (error) {
      if (performance.now() > deadline) throw error;
    }
  }
};
