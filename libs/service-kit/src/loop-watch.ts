import { url as inspected } from 'node:inspector';
import { extname } from 'node:path';
import { Worker } from 'node:worker_threads';
import type { Logger } from '@spillway/telemetry';

/** What the watch shares with the thread that it watches: a number that moves while the event loop turns, and what that is working on. */
export type Watched = { beats: Int32Array; what: Buffer; whatLength: Int32Array };
export type LoopWatchData = { shared: SharedArrayBuffer; app: string; afterMs: number };

export const BEAT_MS = 250;
const WHAT_MAX_BYTES = 256;
const HEAD_BYTES = 8;

export const watchedIn = (shared: SharedArrayBuffer): Watched => ({
  beats: new Int32Array(shared, 0, 1),
  whatLength: new Int32Array(shared, 4, 1),
  what: Buffer.from(shared, HEAD_BYTES, WHAT_MAX_BYTES),
});

let ours = false;
let watched: Watched | undefined;

/** This process is one of our apps, and nothing else lives in it: it may be ended. (A test that serves an app in its own process must not be.) */
export const ownProcess = (): void => {
  ours = true;
};

/**
 * A thread that ends the process when its event loop stands still: blocked by what it works, it answers nobody, renews nothing and would be restarted by nobody. One a process.
 * @param afterMs 0 for never
 */
export const watchLoop = ({ app, afterMs, log }: { app: string; afterMs: number; log: Logger }): void => {
  if (!ours || watched || afterMs === 0) return;
  if (inspected() !== undefined) return log.info('a debugger is attached: nobody watches the event loop'); // a breakpoint stands still for as long as it likes
  const shared = new SharedArrayBuffer(HEAD_BYTES + WHAT_MAX_BYTES);
  watched = watchedIn(shared);
  const { beats } = watched;
  setInterval(() => void Atomics.add(beats, 0, 1), BEAT_MS).unref();
  // as this file is run: built, or from its source
  const file = new URL(`./loop-watch-thread${extname(import.meta.url)}`, import.meta.url);
  const worker = new Worker(file, {
    workerData: { shared, app, afterMs } satisfies LoopWatchData,
    // 8 MiB do not suffice to load it from source (tried)
    resourceLimits: { maxOldGenerationSizeMb: 64, maxYoungGenerationSizeMb: 4 },
    execArgv: [],
  });
  worker.unref();
  worker.on('error', (error) => log.error({ err: error }, 'nobody watches the event loop any more'));
};

/** Said before something is worked that may block, and `undefined` after it: named by the watch when it does. Cheap. */
export const nowWorking = (what: string | undefined): void => {
  if (!watched) return;
  Atomics.store(watched.whatLength, 0, what === undefined ? 0 : watched.what.write(what, 'utf8'));
};
