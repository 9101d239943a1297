// What waiting retries cost new events: the same load beside none, beside 100,000 whose time has not come, and beside 100,000 overdue of a suspended tenant.
import { startPlane } from '@spillway/testing';
import { BrokerView } from '../e2e/broker-view.ts';
import { oweMany } from '../e2e/owed.ts';
import { median, round, spread } from './load/figures.mjs';
import { startReceiverProcess } from './load/receiver-process.mjs';
import { latencyPhase } from './phases.mjs';
import { ourSubject } from './subjects.mjs';

const ROUNDS = 3;
const WAITING = 100_000;
const RATE_PER_SECOND = 200;
/** Of the tenant whose retries wait. */
const ENDPOINTS = 24;
/** Buckets are a minute wide by then: 300 of them, in each of the shards. */
const SPREAD_MINUTES = 300;
const FIRST_MINUTES = 180;

export const retries = {
  about: 'p99 of new events beside 100,000 waiting retries, and beside 100,000 overdue ones of a suspended tenant',
  start: async ({ started, say }) => {
    const receiver = await started(startReceiverProcess());
    say('starting the plane');
    return { receiver, plane: await started(startPlane({ apps: { retrier: 1 } })) };
  },
  run: async ({ plane, receiver, say, seconds }) => {
    const view = await BrokerView.of(plane);
    try {
      await plane.createEndpoint('bench', { url: `${receiver.url}/hook` });
      const owed = await waitingOnes(plane, receiver);
      await suspend(plane, 'owing');
      const of = ourSubject(plane, Number(new URL(plane.app('ingest').url).port));
      const phase = () => latencyPhase(of, receiver, { ratePerSecond: RATE_PER_SECOND, seconds });
      await phase(); // warm up
      let fills = 0;
      const found = { none: [], waiting: [], suspended: [] };
      for (let round_ = 1; round_ <= ROUNDS; round_ += 1) {
        for (const [name, fill] of Object.entries({ none: undefined, waiting: owed.later, suspended: owed.overdue })) {
          await view.purge('WEBHOOK_RETRY');
          // each has an id of its own: the broker remembers what was purged
          if (fill) await oweMany(view, WAITING, fill(Date.now()), WAITING * fills++);
          await new Promise((resolve) => setTimeout(resolve, 10_000)); // what follows the writing of so many is no part of it: the overdue ones are all read once
          found[name].push(await phase());
          say(`round ${round_} of ${ROUNDS}, ${name}: p50 / p99 ${found[name].at(-1).p50Ms} / ${found[name].at(-1).p99Ms} ms`);
        }
      }
      return report(found);
    } finally {
      await view.close();
    }
  },
};

const suspend = async (plane, tenant) => {
  const { status, body } = await plane.ask('POST', `${plane.app('console').url}/v1/retries/suspend`, { tenant });
  if (status !== 200) throw new Error(`not suspended: ${status} ${body}`);
};

const waitingOnes = async (plane, receiver) => {
  const ids = [];
  for (let n = 0; n < ENDPOINTS; n += 1) ids.push((await plane.createEndpoint('owing', { url: `${receiver.url}/owing/${n}` })).id);
  const owed = (n, due) => ({ tenant: 'owing', endpointId: ids[n % ENDPOINTS], due: new Date(due) });
  const minute = 60_000;
  return {
    later: (now) => (n) => owed(n, (Math.ceil(now / minute) + FIRST_MINUTES + (n % SPREAD_MINUTES)) * minute),
    overdue: (now) => (n) => owed(n, (Math.floor(now / 1_000) - (n % 60)) * 1_000),
  };
};

const report = (found) => {
  const { none, waiting, suspended } = found;
  const ratios = (of) => spread(of.map((x, i) => x.p99Ms / none[i].p99Ms), 2);
  const mid = (of, key) => round(median(of.map((x) => x[key])), 1);
  return {
    retries: WAITING,
    ratePerSecond: RATE_PER_SECOND,
    p99RatioBesideWaiting: ratios(waiting).median,
    p99RatioBesideSuspended: ratios(suspended).median,
    p50Ms: { none: mid(none, 'p50Ms'), waiting: mid(waiting, 'p50Ms'), suspended: mid(suspended, 'p50Ms') },
    p99Ms: { none: mid(none, 'p99Ms'), waiting: mid(waiting, 'p99Ms'), suspended: mid(suspended, 'p99Ms') },
    spread: { ratioWaiting: ratios(waiting), ratioSuspended: ratios(suspended), none: spread(none.map((x) => x.p99Ms), 1) },
  };
};
