import { writeSync } from 'node:fs';
import { workerData } from 'node:worker_threads';
import { BEAT_MS, watchedIn, type LoopWatchData } from './loop-watch.ts';
import { isBlocked, noticed, type Stillness } from './stillness.ts';

// Nothing here is asynchronous: the thread looks, sleeps, and looks again, whatever the other one does.
const { shared, app, afterMs } = workerData as LoopWatchData;
const { beats, what, whatLength } = watchedIn(shared);
const sleeping = new Int32Array(new SharedArrayBuffer(4));
const MS = 1_000;

const cpuMs = (): number => {
  const { user, system } = process.cpuUsage();
  return (user + system) / MS;
};

const working = (): string | undefined => {
  const length = Atomics.load(whatLength, 0);
  return length === 0 ? undefined : what.toString('utf8', 0, length);
};

let still: Stillness = { beat: Atomics.load(beats, 0), stillMs: 0, cpuMs: 0 };
for (let at = performance.now(), used = cpuMs(); !isBlocked(still, afterMs); ) {
  Atomics.wait(sleeping, 0, 0, BEAT_MS);
  const [now, usedNow] = [performance.now(), cpuMs()];
  still = noticed(still, { beat: Atomics.load(beats, 0), tookMs: now - at, cpuMs: usedNow - used });
  at = now;
  used = usedNow;
}
const said = { level: 'fatal', time: new Date().toISOString(), app, stillMs: Math.round(still.stillMs), cpuMs: Math.round(still.cpuMs), working: working(), msg: 'the event loop stands still: this process ends itself, to be started again' };
writeSync(1, `${JSON.stringify(said)}\n`);
// an exit needs the loop that stands still; and SIGTERM is answered by it
process.kill(process.pid, 'SIGKILL');
