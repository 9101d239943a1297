import { closedLoop } from './load/closed-loop.mjs';
import { percentile, round } from './load/figures.mjs';
import { openLoop } from './load/open-loop.mjs';
import { cpuMicrosPerEvent, cpuOf, memoryOf } from './load/processes.mjs';

const settle = () => new Promise((resolve) => setTimeout(resolve, 300));

/** As much as goes: so many connections, until the receiver has everything. */
export const throughputPhase = async (of, receiver, { connections, seconds }) => {
  await receiver.reset();
  const before = cpuOf(of.pids);
  const startedAt = performance.timeOrigin + performance.now();
  const load = await closedLoop({ port: of.port, connections, seconds, request: of.request });
  const memory = memoryOf(of.pids);
  const { count, lastAt } = await receiver.drained();
  if (load.refused + load.broken > 0) throw new Error(`${of.name}: ${load.refused} requests refused, ${load.broken} connections broken`);
  if (count < load.accepted) throw new Error(`${of.name}: ${load.accepted} accepted, only ${count} delivered`);
  await settle();
  return {
    acceptedPerSecond: round(load.accepted / load.seconds),
    deliveredPerSecond: round(count / ((lastAt - startedAt) / 1_000)),
    events: count,
    duplicates: count - load.accepted,
    cpuMicrosPerEvent: cpuMicrosPerEvent(before, cpuOf(of.pids), count),
    memory,
  };
};

/** At a fixed rate: from the moment a request is due to the moment the receiver has it. */
export const latencyPhase = async (of, receiver, { ratePerSecond, seconds }) => {
  await receiver.reset();
  const load = await openLoop({ port: of.port, path: of.path, headers: of.headers, ratePerSecond, seconds, body: of.body });
  await receiver.drained(500);
  const latencies = await receiver.latencies();
  if (load.refused > 0 || latencies.length < load.sent) throw new Error(`${of.name} at ${ratePerSecond}/s: ${load.sent} sent, ${load.refused} refused, ${latencies.length} received`);
  return { p50Ms: percentile(latencies, 0.5), p99Ms: percentile(latencies, 0.99) };
};
