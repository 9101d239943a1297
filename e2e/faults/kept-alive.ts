import { eventually, type PlaneProcess } from '@spillway/testing';

export type KeptAlive = {
  /** When it died, epoch ms. */
  deaths: number[];
  /** Afterwards what dies stays dead. */
  stop: () => Promise<void>;
};

const FOR_EVER_MS = 24 * 3_600_000;

/** Starts a process again whenever it has died: what the launcher does, less its patience. */
export const keepAlive = (process: PlaneProcess): KeptAlive => {
  const deaths: number[] = [];
  const told = new AbortController();
  const { signal } = told;
  const keeping = (async () => {
    while (!signal.aborted) {
      const died = await eventually(() => {
        if (process.running && !signal.aborted) throw new Error('it lives');
        return !process.running;
      }, FOR_EVER_MS);
      if (signal.aborted || !died) return;
      deaths.push(Date.now());
      await process.start();
    }
  })();
  return {
    deaths,
    stop: () => {
      told.abort();
      return keeping;
    },
  };
};
