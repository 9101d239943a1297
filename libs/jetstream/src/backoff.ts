import { setTimeout as wait } from 'node:timers/promises';

/** Doubles from 50 ms to 2 s, with jitter over the upper half: a crowd that lost the same broker does not come back in step. */
export const backoffMs = (failures: number, jitter: number): number => Math.min(2_000, 50 * 2 ** Math.min(failures, 6)) * (0.5 + jitter / 2);

/** @throws the signal's reason when it is aborted meanwhile */
export const backOff = async (failures: number, signal?: AbortSignal): Promise<void> => {
  await wait(backoffMs(failures, Math.random()), undefined, { signal, ref: false });
};
