import { shardOf, subject } from '@spillway/topology';
import { eventually } from '@spillway/testing';
import { Publisher } from '../../src/publisher.ts';
import { startPlaneBroker, type PlaneBroker } from '../../src/testing/index.ts';
import { WorkerProcess, type Said } from '../worker-process.ts';

const ENDPOINTS = Array.from({ length: 40 }, (_, n) => `ep_${n}`);
/** What a crash may repeat, beside what was in flight. */
const SETTLED_LATELY_MS = 2_000;

let plane: PlaneBroker;
let publisher: Publisher;
const workers: WorkerProcess[] = [];
beforeEach(async () => {
  plane = await startPlaneBroker();
  publisher = new Publisher(plane.broker, 'WEBHOOK_PARKED', { maxWaiting: 50_000 });
});
afterEach(async () => {
  await Promise.all(workers.splice(0).map((worker) => worker.end('SIGKILL')));
  await plane.stop();
});

const startWorker = (replica: string): WorkerProcess => {
  const worker = new WorkerProcess(plane.url, replica);
  workers.push(worker);
  return worker;
};

let parked = 0;
const park = async (count: number): Promise<void> => {
  const from = parked;
  parked += count;
  await Promise.all(
    Array.from({ length: count }, (_, n) => {
      const endpoint = ENDPOINTS[(from + n) % ENDPOINTS.length] as string;
      return publisher.persist(subject.parked('first', shardOf(endpoint), endpoint), [['ce-id', String(from + n)], ['Nats-Msg-Id', `parked:${from + n}`]], Buffer.from('{}'));
    }),
  );
};
/** Goes on, through everything that happens to the broker, until it is stopped. */
const keepParking = (): (() => Promise<void>) => {
  const stop = new AbortController();
  const parking = (async () => {
    while (!stop.signal.aborted) {
      await park(20);
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  })();
  return () => {
    stop.abort();
    return parking;
  };
};
beforeEach(() => {
  parked = 0;
});

const killBroker = async (): Promise<void> => {
  await plane.server.kill();
  await plane.server.restart();
};
const stored = async (stream: string): Promise<number> => (await plane.broker.api<{ state: { messages: number } }>(`STREAM.INFO.${stream}`)).state.messages;
const settled = (): number => workers.reduce((sum, worker) => sum + worker.settled(), 0);
/** About 400 are settled in a second, one at a time for each of 40 endpoints: so this is also some seconds in which there is always something in flight. */
const progress = (by = 1_000): Promise<void> => {
  const from = settled();
  return eventually(() => expect(settled()).toBeGreaterThan(from + by), 60_000);
};

type Step = Said & { worker: number };
type Books = { lost: string[]; repeated: number; unexplained: string[]; lateSettlements: string[] };

/** From before something was killed or frozen until after it was, the broker until after it was back (ms since 1970), and whom it hit; the broker hits all of them. */
type Incident = { from: number; to: number; worker?: number };
const during = async (what: () => unknown, worker?: number): Promise<Incident> => {
  const from = Date.now();
  await what();
  return { from, to: Date.now(), ...(worker !== undefined && { worker }) };
};

const books = (incidents: Incident[], thaws: { from: number; to: number; worker: number }[] = []): Books => {
  const steps: Step[] = workers.flatMap((worker, i) => worker.said.map((said) => ({ ...said, worker: i }))).toSorted((a, b) => a.at - b.at);
  const byId = Map.groupBy(
    steps.filter(({ what }) => what !== 'won'),
    (step) => step.subject,
  );
  const unexplained: string[] = [];
  let repeated = 0;
  for (const [id, mine] of byId) {
    const begun = mine.filter(({ what }) => what === 'begun');
    repeated += begun.length - 1;
    for (const again of begun.slice(1)) {
      const before = begun[begun.indexOf(again) - 1] as Step;
      const end = mine.find((step) => step.what === 'settled' && step.worker === before.worker && step.at >= before.at && step.at <= again.at)?.at ?? Number.POSITIVE_INFINITY;
      const explained = incidents.some(({ from, to, worker }) => (worker === undefined || worker === before.worker) && before.at <= to && again.at >= from && end > from - SETTLED_LATELY_MS);
      if (!explained) unexplained.push(`${id}: begun ${before.at} by ${before.worker}, settled ${end}, begun again ${again.at} by ${again.worker}`);
    }
  }
  const lateSettlements = thaws.flatMap(({ from, to, worker }) =>
    steps.filter((step) => step.worker === worker && step.what === 'settled' && step.at >= to && (byId.get(step.subject)?.findLast((other) => other.worker === worker && other.what === 'begun' && other.at <= step.at)?.at ?? 0) <= from).map((step) => step.subject),
  );
  const lost = Array.from({ length: parked }, (_, n) => String(n)).filter((id) => byId.get(id)?.some(({ what }) => what === 'settled') !== true);
  return { lost, repeated, unexplained, lateSettlements };
};
const clean = { lost: [], unexplained: [], lateSettlements: [] };
/** Every fifth is moved to the calendar: once, however often it was tried. */
const expectMovedOnce = async (): Promise<void> => expect(await stored('WEBHOOK_RETRY')).toBe(Math.ceil(parked / 5));
const everythingWorked = (): Promise<void> => eventually(async () => expect(await stored('WEBHOOK_PARKED')).toBe(0), 60_000);

it('moves the shards of a killed owner within ten seconds, loses nothing, and repeats only what was in flight or settled lately', async () => {
  await park(3_000);
  startWorker('one');
  startWorker('two');
  const incidents: Incident[] = [];
  for (let kills = 0; kills < 2; kills += 1) {
    await progress();
    const killed = await during(() => workers[kills]?.end('SIGKILL'), kills);
    incidents.push(killed);
    await eventually(() => expect(workers.reduce((sum, worker) => sum + worker.won(killed.from), 0)).toBeGreaterThanOrEqual(4), 10_000);
    startWorker(`again${kills}`);
  }
  await everythingWorked();
  const { repeated, ...rest } = books(incidents);
  expect(rest).toEqual(clean);
  // seen at all, or this test tests nothing; and no more than two seconds' worth
  expect(repeated).toBeGreaterThan(0);
  expect(repeated).toBeLessThan(2 * 1_000);
  await expectMovedOnce();
});

it('lets a frozen owner that wakes up settle nothing of what it had begun, and gives it shards again', async () => {
  await park(3_000);
  startWorker('one');
  startWorker('two');
  await eventually(() => expect(workers.map((worker) => worker.won() > 0)).toEqual([true, true]));
  await progress();
  const [frozen, other] = workers as [WorkerProcess, WorkerProcess];
  const freezing = await during(() => frozen.freeze(), 0);
  const { from } = freezing;
  await eventually(() => expect(other.won(from)).toBe(4), 10_000);
  await progress(500);
  const to = Date.now();
  frozen.thaw();
  await eventually(() => expect(frozen.won(to)).toBe(4));
  await everythingWorked();
  const { repeated, ...rest } = books([freezing], [{ from: freezing.to, to, worker: 0 }]);
  expect(rest).toEqual(clean);
  expect(repeated).toBeGreaterThan(0);
  await expectMovedOnce();
});

it('survives a broker that is killed while owners are killed and frozen, and messages are written', async () => {
  await park(3_000);
  startWorker('one');
  startWorker('two');
  const stop = keepParking();
  await progress();
  const incidents: Incident[] = [];
  for (let kills = 0; kills < 2; kills += 1) {
    incidents.push(await during(killBroker));
    await progress(300);
  }
  incidents.push(
    await during(() => {
      workers[1]?.freeze();
      return Promise.all([killBroker(), workers[0]?.end('SIGKILL')]);
    }),
  );
  startWorker('three');
  await progress(300);
  workers[1]?.thaw();
  await progress(300);
  await stop();
  await everythingWorked();
  expect(books(incidents)).toMatchObject(clean);
  await expectMovedOnce();
});

it('repeats nothing when owners come and go on purpose', async () => {
  await park(3_000);
  startWorker('one');
  await progress(300);
  startWorker('two');
  await eventually(() => expect(workers[1]?.won()).toBe(4), 60_000); // it boots from source
  await progress(300);
  await workers[0]?.end('SIGTERM');
  await eventually(() => expect(workers[1]?.won()).toBe(8));
  await everythingWorked();
  expect(books([])).toEqual({ ...clean, repeated: 0 });
  await expectMovedOnce();
});
