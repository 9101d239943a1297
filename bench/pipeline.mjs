// The main job, beside the floor and a bare relay, in one run: phases take turns, so that a machine that gets slower gets slower for all.
import { startPlane } from '@spillway/testing';
import { startFloor } from './floor/start.mjs';
import { median, round, spread } from './load/figures.mjs';
import { memoryOf } from './load/processes.mjs';
import { startReceiverProcess } from './load/receiver-process.mjs';
import { latencyPhase, throughputPhase } from './phases.mjs';
import { floorSubject, ourSubject, relaySubject } from './subjects.mjs';

const ROUNDS = 3;
const RATES = [100, 500];

export const pipeline = {
  about: 'throughput and latency of the whole pipeline beside the floor, one endpoint at the default cap',
  start: async ({ started, nats, redisServer, say }) => {
    const receiver = await started(startReceiverProcess());
    const floor = await started(startFloor({ natsServer: nats.path, redisServer, receiver: receiver.url }));
    say('starting the plane');
    const plane = await started(startPlane({ limits: { SPILLWAY_MAX_BYTES_INGEST: '4GiB', SPILLWAY_MAX_BYTES_DELIVERY: '4GiB' } }));
    return { receiver, floor, plane };
  },
  run: async ({ plane, floor, receiver, say, seconds = 8, connections = 256 }) => {
    await plane.createEndpoint('bench', { url: `${receiver.url}/hook` });
    const ours = ourSubject(plane, Number(new URL(plane.app('ingest').url).port));
    const atRest = memoryOf(ours.pids);
    const of = { ours, floor: floorSubject(floor), relay: relaySubject(floor) };
    for (const each of Object.values(of)) await throughputPhase(each, receiver, { connections, seconds: 2 }); // warm up
    const results = { ours: [], floor: [], relay: [] };
    for (let round_ = 1; round_ <= ROUNDS; round_ += 1) {
      for (const [name, each] of Object.entries(of)) {
        const result = await throughputPhase(each, receiver, { connections, seconds: name === 'relay' ? Math.min(seconds, 4) : seconds });
        results[name].push(result);
        say(`round ${round_} of ${ROUNDS}: ${each.name} accepted ${result.acceptedPerSecond}/s, delivered ${result.deliveredPerSecond}/s`);
      }
    }
    const latency = [];
    for (const ratePerSecond of RATES) latency.push(await latencyAt(ratePerSecond, of, receiver, say));
    return report(results, latency, atRest);
  },
};

const latencyAt = async (ratePerSecond, { ours, floor }, receiver, say) => {
  const [mine, theirs] = [[], []];
  for (let round_ = 1; round_ <= ROUNDS; round_ += 1) {
    mine.push(await latencyPhase(ours, receiver, { ratePerSecond, seconds: 6 }));
    theirs.push(await latencyPhase(floor, receiver, { ratePerSecond, seconds: 6 }));
    say(`${ratePerSecond}/s, round ${round_} of ${ROUNDS}: p50 / p99 ${mine.at(-1).p50Ms} / ${mine.at(-1).p99Ms} ms, floor ${theirs.at(-1).p50Ms} / ${theirs.at(-1).p99Ms} ms`);
  }
  const mid = (of, key) => round(median(of.map((x) => x[key])), 1);
  return { ratePerSecond, p50Ms: mid(mine, 'p50Ms'), p99Ms: mid(mine, 'p99Ms'), floorP50Ms: mid(theirs, 'p50Ms'), floorP99Ms: mid(theirs, 'p99Ms') };
};

const report = ({ ours, floor, relay }, latency, atRest) => {
  const delivered = spread(ours.map((x) => x.deliveredPerSecond));
  const floorDelivered = spread(floor.map((x) => x.deliveredPerSecond));
  const relayed = spread(relay.map((x) => x.deliveredPerSecond));
  // pair by pair, so that a machine that drifts drifts in both
  const ratios = spread(ours.map((x, i) => x.deliveredPerSecond / floor[i].deliveredPerSecond), 2);
  const last = ours.at(-1);
  const sum = (memory, kind) => Object.values(memory).reduce((total, x) => total + x[kind], 0);
  return {
    acceptedPerSecond: spread(ours.map((x) => x.acceptedPerSecond)).median,
    deliveredPerSecond: delivered.median,
    floorPerSecond: floorDelivered.median,
    relayPerSecond: relayed.median,
    ratioToFloor: ratios.median,
    ratioToRelay: round(delivered.median / relayed.median, 2),
    p50Ms: latency[0].p50Ms,
    p99Ms: latency[0].p99Ms,
    latency,
    cpuMicrosPerEvent: last.cpuMicrosPerEvent,
    floorCpuMicrosPerEvent: floor.at(-1).cpuMicrosPerEvent,
    rssMb: Object.fromEntries(Object.entries(last.memory).map(([name, { rss }]) => [name, rss])),
    pssMb: { atRest: sum(atRest, 'pss'), atFullLoad: sum(last.memory, 'pss') },
    spread: { delivered, floor: floorDelivered, relay: relayed, ratioToFloor: ratios },
    duplicates: ours.reduce((total, x) => total + x.duplicates, 0),
    events: ours.reduce((total, x) => total + x.events, 0),
  };
};
