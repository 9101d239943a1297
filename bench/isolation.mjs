// What sick endpoints cost the healthy ones: the same events to the same endpoints, of which three in ten are sick in every other phase.
import { startPlane } from '@spillway/testing';
import { createFleet, startReceivers } from './fleet/fleet.mjs';
import { median, percentile, round, spread } from './load/figures.mjs';
import { openLoop } from './load/open-loop.mjs';
import { cpuMicrosPerEvent, cpuOf } from './load/processes.mjs';

const ENDPOINTS = 200;
const ROUNDS = 3;
const SLOTS = 512;
/** So many events a second to each endpoint: 350/s to those that are always healthy, 150/s to the others. */
const PER_ENDPOINT = 2.5;
/** Longer than a deadline (15 s): what hangs is seen to be let go, and its circuit opens. */
const SECONDS_MIN = 20;
/** What waited for the sick is delivered before the next phase: 3,000 a round, and what is due in the calendar. */
const DRAINED_WITHIN_MS = 120_000;

const settle = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

export const isolation = {
  about: 'healthy endpoints’ p99 from accepted to first attempt beside sick ones (10 % hang, 10 % fail, 5 % refuse, 5 % drip), and without',
  start: async ({ started, say }) => {
    const receivers = await started(startReceivers());
    say('starting the plane');
    return { receivers, plane: await started(startPlane({ apps: { retrier: 1 } })) };
  },
  run: async ({ plane, receivers, say, seconds }) => {
    const fleet = await createFleet(plane, receivers, ENDPOINTS);
    const phase = phaseOf(plane, fleet, receivers, Math.max(SECONDS_MIN, seconds));
    await phase(3); // warm up
    const [without, beside] = [[], []];
    for (let round_ = 1; round_ <= ROUNDS; round_ += 1) {
      without.push(await phase());
      await receivers.beSick();
      await fleet.forgetSick();
      beside.push(await phase());
      await receivers.beWell();
      await fleet.forgetSick();
      const { p99Ms, sickSlots } = beside.at(-1);
      say(`round ${round_} of ${ROUNDS}: p99 ${without.at(-1).p99Ms} ms without, ${p99Ms} ms beside sick ones, which held ${sickSlots.mean} slots, ${sickSlots.most} at the most`);
      if (round_ < ROUNDS) await quiet(receivers);
    }
    return report(without, beside);
  },
};

/** Until the sick, cured, have been sent what waited for them. What failed twice is due in five minutes, and stays. */
const quiet = async (receivers) => {
  for (const deadline = performance.now() + DRAINED_WITHIN_MS; performance.now() < deadline; ) {
    await settle(3_000);
    if ((await receivers.seen()).sickAttempts === 0) return;
  }
};

const pidsOf = (plane) => ({ nats: plane.broker.pid, ...Object.fromEntries(['ingest', 'dedupe', 'dispatcher', 'retrier'].map((app) => [app, plane.app(app).pid])) });

const phaseOf =
  (plane, fleet, receivers, seconds, pids = pidsOf(plane)) =>
  async (forSeconds = seconds) => {
    await settle(2_000);
    await receivers.seen();
    const before = cpuOf(pids);
    const { endpoints } = fleet;
    let at = 0;
    const body = () => JSON.stringify({ tenant: fleet.tenant, type: endpoints[at++ % endpoints.length].type, data: { id: 'inv_1', pad: 'x'.repeat(900) } });
    const port = Number(new URL(plane.app('ingest').url).port);
    const headers = { 'content-type': 'application/json', authorization: `Bearer ${plane.adminKey}` };
    const load = await openLoop({ port, path: '/v1/events', headers, ratePerSecond: PER_ENDPOINT * endpoints.length, seconds: forSeconds, body });
    await settle(3_000);
    const { startedAfterMs, sickAttempts, sickSlots } = await receivers.seen();
    const healthy = Math.round((load.sent * fleet.healthy.length) / endpoints.length);
    if (load.refused > 0 || startedAfterMs.length < healthy) throw new Error(`${load.sent} sent, ${load.refused} refused, of ${healthy} to the healthy ${startedAfterMs.length} received`);
    return { events: load.sent, healthy, cpuMicrosPerEvent: cpuMicrosPerEvent(before, cpuOf(pids), load.sent), p50Ms: percentile(startedAfterMs, 0.5), p99Ms: percentile(startedAfterMs, 0.99), sickAttempts, sickSlots: { most: sickSlots.most, mean: round(sickSlots.mean, 1) } };
  };

const report = (without, beside) => {
  const ratios = spread(beside.map((x, i) => x.p99Ms / without[i].p99Ms), 2);
  const mid = (of, key) => round(median(of.map((x) => x[key])), 1);
  return {
    endpoints: ENDPOINTS,
    ratePerSecond: PER_ENDPOINT * ENDPOINTS,
    p99RatioBesideSick: ratios.median,
    p50Ms: { without: mid(without, 'p50Ms'), beside: mid(beside, 'p50Ms') },
    p99Ms: { without: mid(without, 'p99Ms'), beside: mid(beside, 'p99Ms') },
    sickSlots: { most: Math.max(...beside.map((x) => x.sickSlots.most)), mean: mid(beside.map((x) => x.sickSlots), 'mean'), of: SLOTS },
    cpuMicrosPerEvent: { without: without.at(-1).cpuMicrosPerEvent, beside: beside.at(-1).cpuMicrosPerEvent },
    sickAttempts: beside.reduce((total, x) => total + x.sickAttempts, 0),
    spread: { ratio: ratios, without: spread(without.map((x) => x.p99Ms), 1), beside: spread(beside.map((x) => x.p99Ms), 1) },
    events: [...without, ...beside].reduce((total, x) => total + x.events, 0),
  };
};
