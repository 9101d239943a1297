import { setTimeout as pause } from 'node:timers/promises';
import { Books, eventually, seeded, type Plane, type PlaneProcess, type ToSend } from '@spillway/testing';
import { onPlaneInView, type BrokerView } from '../broker-view.ts';
import { CountingEndpoint, mostWithin } from '../counting-endpoint.ts';
import { oweMany, owedEvent } from '../owed.ts';
import { untilHeld } from '../shard-holdings.ts';
import { steadyLoad } from '../steady-load.ts';

/** 100,000 is what is promised: `SPILLWAY_RETRIES=100000`. */
const RETRIES = Number(process.env['SPILLWAY_RETRIES'] ?? 10_000);
const TENANT = 'waiting';
const ENDPOINTS = 24;
const NEW_PER_SECOND = 60;
/** So long that the faults are in the middle of it, with what a takeover and a freeze take, on a slow machine too: the rest is let go when they are over. */
const THROTTLED_SECONDS = 240;
const PER_SECOND = Math.min(400, Math.ceil(RETRIES / THROTTLED_SECONDS));
/** Starts are counted there, arrivals here, by processes that share two cores (at load 19 half as many more came in a second). Two homes would be twice as many. */
const BURST = 1.9;
/** Ten seconds, so that what a frozen owner had under way, and lets go beside its successor's, is a small part of them. Two owners at the whole pace would be 2. */
const OVER_TEN_SECONDS = 1.5;
const FROZEN_MS = 20_000;
/** "Effective within two seconds." */
const EFFECTIVE_MS = 2_000;
const ALL_WITHIN_MS = 600_000;
const PLANE = { apps: { dispatcher: 2, retrier: 2 } };

const isOwed = (event: string): boolean => /^evt_\d{20}$/.test(event);
/** Overdue by up to a minute, in buckets of a second. */
const overdue = (n: number, now: number): Date => new Date(Math.floor(now / 1_000 - (n % 60)) * 1_000);

/** One server for all of a test's endpoints, told apart by their paths. */
let endpoint: CountingEndpoint;
let books: Books;
/** How many of what was owed have arrived, and when each attempt of it did. */
let owedArrived: number;
let owedAt: number[];
beforeEach(async () => {
  owedArrived = 0;
  owedAt = [];
  books = new Books(({ type }) => [type]);
  endpoint = await CountingEndpoint.start({ answer: 200, afterMs: 5 });
  endpoint.onArrival = ({ event, path, at }) => {
    if (isOwed(event)) owedAt.push(at);
    if (isOwed(event) && !endpoint.first.has(event)) owedArrived += 1;
    books.arrived({ url: path, headers: { 'webhook-id': event }, at });
  };
});
afterEach(() => endpoint.stop());

/** Endpoints at paths of their own, each the only one for events of that type. */
const createEndpoints = async (plane: Plane, tenant: string, names: readonly string[], settings: object = {}): Promise<string[]> => {
  const ids: string[] = [];
  for (const name of names) ids.push((await plane.createEndpoint(tenant, { url: `${endpoint.url}/${name}`, types: [name], ...settings })).id);
  return ids;
};
const named = (prefix: string, count: number): string[] => Array.from({ length: count }, (_, i) => `${prefix}.${i}`);

type Group = { tenant: string; names: readonly string[]; ids: readonly string[] };
/** Retries that are due, dealt out to the endpoints of a group; noted in the books. */
const oweDue = async (view: BrokerView, from: number, count: number, { tenant, names, ids }: Group): Promise<void> => {
  const now = Date.now();
  for (let n = from; n < from + count; n += 1) books.written(owedEvent(n), { id: String(n), tenant, type: names[n % names.length] as string, data: '1' });
  await oweMany(view, count, (n) => ({ tenant, endpointId: ids[n % ids.length] as string, due: overdue(n, now) }), from);
};

const allArrived = async (view: BrokerView): Promise<void> => {
  await eventually(() => expect(endpoint.first.size).toBeGreaterThanOrEqual(books.acknowledgedCount), ALL_WITHIN_MS);
  await eventually(() => expect(books.missing()).toEqual([]), 60_000);
  await view.settled(120_000);
};

it('suspends, resumes and throttles waiting retries by one command each, while events flow, owners die and freeze, and the broker is killed', async () => {
  const random = seeded();
  const said: string[] = [];
  await onPlaneInView(PLANE, async (plane, view) => {
    const names = named('busy', ENDPOINTS);
    const ids = await createEndpoints(plane, TENANT, names);
    await createEndpoints(plane, TENANT, ['capped'], { maxInFlight: 2 });
    await untilHeld(view, 'retrier');
    expect(await plane.spillway('retries', 'suspend')).toContain('retries of all: suspended');
    await pause(EFFECTIVE_MS);
    await oweDue(view, 0, RETRIES, { tenant: TENANT, names, ids });
    const load = steadyLoad(plane, books, NEW_PER_SECOND, (n) => ({ tenant: TENANT, type: names[n % ENDPOINTS] as string, data: '1' }));
    const first = plane.app('retrier', 0);
    const strike = async (what: string, victim: Victim, excuses: 'the moment' | 'all along'): Promise<void> => {
      await pause(random.between(1_000, 3_000)); // how long nothing is wrong is part of what is tried, not a wait for something
      const over = books.fault(`${what}, ${owedArrived} of ${RETRIES} retries done`, excuses);
      await victim.kill?.();
      victim.freeze?.freeze();
      books.struck();
      if (victim.freeze) await pause(FROZEN_MS);
      victim.freeze?.thaw();
      await victim.start?.();
      over();
    };
    try {
      // first attempts go on, also to an endpoint at its cap
      endpoint.manner = { answer: 200, afterMs: 20 };
      const capped = Array.from({ length: 300 }, (_, i): ToSend => ({ id: `capped-${i}`, tenant: TENANT, type: 'capped', data: '1' }));
      await Promise.all(capped.map((event) => plane.send({ ...event, data: 1 }).then(({ status, body }) => books.tried({ event, answer: { status, headers: {}, body }, tookMs: 0 }))));
      await eventually(() => expect(endpoint.byPath.get('/capped')).toBe(capped.length), 120_000);
      endpoint.manner = { answer: 200, afterMs: 5 };
      expect([owedArrived, await view.count('WEBHOOK_RETRY')]).toEqual([0, RETRIES]);
      said.push(`suspended: ${endpoint.arrivals} first attempts, ${owedArrived} retries`);

      expect(await plane.spillway('retries', 'throttle', '--per-second', String(PER_SECOND))).toContain(`throttled to ${PER_SECOND} a second`);
      expect(await plane.spillway('retries', 'resume')).not.toContain('suspended');
      await eventually(() => expect(owedArrived).toBeGreaterThan(0), 60_000);
      // what is throttled goes to PARKED; a crash on the way may leave a copy in both places, which no arrival tells from a repetition
      await eventually(async () => expect(await view.count('WEBHOOK_RETRY')).toBe(0), ALL_WITHIN_MS);
      said.push(`parked by the throttle: ${await view.count('WEBHOOK_PARKED')}`);
      await strike('SIGKILL of an owner', { kill: () => first.kill(), start: () => started(first) }, 'the moment');
      await untilHeld(view, 'retrier');
      await strike('SIGSTOP of an owner', { freeze: plane.app('retrier', 1) }, 'the moment');
      await strike('SIGKILL of nats-server', { kill: () => plane.broker.kill(), start: () => plane.broker.restart() }, 'all along');
      const most = mostWithin(10_000, owedAt);
      said.push(`throttled to ${PER_SECOND} a second: at most ${most} in ten seconds, ${mostWithin(1_000, owedAt)} in one`);
      expect(most).toBeLessThanOrEqual(10 * PER_SECOND * OVER_TEN_SECONDS);
      expect(owedArrived).toBeLessThan(RETRIES); // or there was nothing left to strike
      await eventually(async () => expect(await plane.spillway('retries', 'throttle', '--per-second', 'none')).toContain('neither'), 60_000);
      const [liftedAt, left] = [Date.now(), RETRIES - owedArrived];
      await eventually(() => expect(owedArrived).toBe(RETRIES), ALL_WITHIN_MS);
      said.push(`throttle lifted: the last ${left} in ${Date.now() - liftedAt} ms`);
      await load.stop();
      await allArrived(view);
    } finally {
      await load.stop();
      process.stdout.write(`${books.print(`waiting retries, seed ${random.seed}`)}\n  ${said.join('\n  ')}\n`);
    }
    expect(books.totals()).toMatchObject({ lost: 0, unexplained: 0, strange: 0 });
  });
});

type Victim = { freeze?: PlaneProcess; kill?: () => Promise<void>; start?: () => Promise<void> };

const started = async (app: PlaneProcess): Promise<void> => {
  await app.start();
  await app.ready();
};

const NEIGHBOURS = Math.min(1_000, RETRIES / 10);
const CAP = 8;
const RATE = 40;

it('a suspended tenant’s due retries cost its neighbours’ nothing, and over two of each app a cap and a rate hold', async () => {
  const [capped, rated] = await Promise.all([CountingEndpoint.start({ answer: 200, afterMs: 20 }), CountingEndpoint.start()]);
  try {
    await onPlaneInView(PLANE, async (plane, view) => {
      const big = named('big', 8);
      const other = named('other', 8);
      const bigIds = await createEndpoints(plane, 'big', big);
      const otherIds = await createEndpoints(plane, 'other', other);
      for (const app of ['retrier', 'dispatcher'] as const) await untilHeld(view, app);
      expect(await plane.spillway('retries', 'suspend', '-t', 'big')).toContain('retries of big: suspended');
      await pause(EFFECTIVE_MS);
      await oweDue(view, 0, RETRIES, { tenant: 'big', names: big, ids: bigIds });
      const writtenAt = Date.now();
      // in the same buckets, behind what is suspended
      await oweDue(view, RETRIES, NEIGHBOURS, { tenant: 'other', names: other, ids: otherIds });
      await eventually(() => expect(owedArrived).toBe(NEIGHBOURS), ALL_WITHIN_MS);
      const neighboursMs = Date.now() - writtenAt;
      expect(await view.count('WEBHOOK_RETRY')).toBeGreaterThanOrEqual(RETRIES);

      // first attempts and later ones at once, at endpoints that may take only so much
      const { id: cappedId } = await plane.createEndpoint('other', { url: `${capped.url}/capped`, types: ['capped'], maxInFlight: CAP });
      const { id: ratedId } = await plane.createEndpoint('other', { url: `${rated.url}/rated`, types: ['rated'], ratePerSecond: RATE });
      const limited: Group = { tenant: 'other', names: ['capped', 'rated'], ids: [cappedId, ratedId] };
      const sent = new Books(() => []);
      const load = steadyLoad(plane, sent, 80, (n) => ({ tenant: 'other', type: n % 4 === 0 ? 'rated' : 'capped', data: '1' }));
      await oweMany(view, 600, (n) => ({ tenant: 'other', endpointId: limited.ids[n % 2] as string, due: overdue(n, Date.now()) }), RETRIES + NEIGHBOURS);
      await pause(4_000);
      await load.stop();
      const expected = 600 + sent.acknowledgedCount;
      await eventually(() => expect(capped.first.size + rated.first.size).toBe(expected), ALL_WITHIN_MS);
      expect([owedArrived, capped.arrivals + rated.arrivals]).toEqual([NEIGHBOURS, expected]);

      const resumedAt = Date.now();
      expect(await plane.spillway('retries', 'resume', '-t', 'big')).toContain('neither');
      await allArrived(view);
      const drainedMs = Date.now() - resumedAt;
      process.stdout.write(
        `${books.print(`${RETRIES} of a suspended tenant, ${NEIGHBOURS} of its neighbours`)}\n  neighbours’ done in ${neighboursMs} ms, the resumed ones in ${drainedMs} ms (${Math.round((RETRIES * 1_000) / drainedMs)} a second)\n` +
          `  at the capped (${CAP}) at most ${capped.mostInFlight} at once of ${capped.arrivals}; at the rated (${RATE}) at most ${rated.mostInASecond} in a second of ${rated.arrivals}\n`,
      );
    });
  } finally {
    await Promise.all([capped.stop(), rated.stop()]);
  }
  expect(books.totals()).toMatchObject({ acknowledged: RETRIES + NEIGHBOURS, lost: 0, duplicates: 0, strange: 0 });
  expect(capped.mostInFlight).toBeLessThanOrEqual(CAP);
  expect(rated.mostInASecond).toBeLessThanOrEqual(RATE * BURST);
});
