// What ingest takes in, beside the floor's ingest, each with nothing behind it: single events, and batches of 100. Phases take turns.
import { startPlane } from '@spillway/testing';
import { startFloor } from './floor/start.mjs';
import { closedLoop } from './load/closed-loop.mjs';
import { round, spread } from './load/figures.mjs';
import { cpuMicrosPerEvent, cpuOf } from './load/processes.mjs';
import { ourSubject, floorSubject } from './subjects.mjs';

const ROUNDS = 3;
const BATCH = 100;
/** 1 KiB an event and what the broker keeps beside it, at 100,000 a second for two phases of 8 s and a warm-up. */
const ROOM = { SPILLWAY_MAX_BYTES_INGEST: '40GiB', SPILLWAY_MAX_MESSAGES_TENANT: '100000000' };
/** Enough to keep both groups of a publisher full; a batch holds a hundred. */
const CONNECTIONS = { single: 256, batch: 32 };

const accept = async ({ port, request, pids }, { connections, seconds, events }) => {
  const before = cpuOf(pids);
  const load = await closedLoop({ port, connections, seconds, request });
  if (load.refused + load.broken > 0) throw new Error(`${load.refused} requests refused, ${load.broken} connections broken`);
  return { perSecond: (load.accepted * events) / load.seconds, cpu: cpuMicrosPerEvent(before, cpuOf(pids), load.accepted * events) };
};

export const ingest = {
  about: 'what ingest accepts beside the floor, nothing behind it: single events, and batches of 100',
  start: async ({ started, nats, redisServer, say }) => {
    const floor = await started(startFloor({ natsServer: nats.path, redisServer, only: ['ingest'] }));
    say('starting ingest');
    return { floor, plane: await started(startPlane({ apps: { console: 0, dedupe: 0, dispatcher: 0 }, limits: ROOM })) };
  },
  run: async ({ plane, floor, say, seconds = 8 }) => {
    const port = Number(new URL(plane.app('ingest').url).port);
    const single = { connections: CONNECTIONS.single, events: 1, seconds };
    const batch = { connections: CONNECTIONS.batch, events: BATCH, seconds };
    const phases = { floor: [floorSubject(floor), single], single: [ourSubject(plane, port, { apps: ['ingest'] }), single], batch: [ourSubject(plane, port, { apps: ['ingest'], batch: BATCH }), batch] };
    for (const [of, load] of Object.values(phases)) await accept(of, { ...load, seconds: 1 }); // warm up
    const results = { floor: [], single: [], batch: [] };
    for (let round_ = 1; round_ <= ROUNDS; round_ += 1) {
      // there and back: a disk that gets slower by the second would else always favour who is first
      const order = round_ % 2 === 1 ? Object.entries(phases) : Object.entries(phases).toReversed();
      for (const [name, [of, load]] of order) results[name].push(await accept(of, load));
      say(`round ${round_} of ${ROUNDS}: ${Object.entries(results).map(([name, all]) => `${name} ${round(all.at(-1).perSecond)}/s`).join(', ')}`);
    }
    return report(results);
  },
};

const perSecond = (of) => spread(of.map((x) => x.perSecond));

/** CPU µs an event: the middle of the rounds, by process. */
const cpuOfEach = (of) => Object.fromEntries(['ingest', 'nats'].map((process) => [process, spread(of.map((x) => x.cpu[process])).median]));

const report = ({ floor, single, batch }) => {
  // pair by pair, so that a machine that drifts drifts in both
  const ratio = (of) => spread(of.map((x, i) => x.perSecond / floor[i].perSecond), 2);
  return {
    acceptedPerSecond: perSecond(single).median,
    floorPerSecond: perSecond(floor).median,
    ratioToFloor: ratio(single).median,
    cpuMicrosPerEvent: cpuOfEach(single),
    floorCpuMicrosPerEvent: cpuOfEach(floor),
    [`batchesOf${BATCH}`]: { acceptedPerSecond: perSecond(batch).median, ratioToFloor: ratio(batch).median, cpuMicrosPerEvent: cpuOfEach(batch) },
    spread: { single: perSecond(single), batch: perSecond(batch), floor: perSecond(floor), ratioToFloor: ratio(single), batchRatioToFloor: ratio(batch) },
  };
};
