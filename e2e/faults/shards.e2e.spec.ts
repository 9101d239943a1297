import { setTimeout as pause } from 'node:timers/promises';
import { Books, eventually, seeded, startReceiver, type Plane, type PlaneProcess, type Receiver } from '@spillway/testing';
import { allShards, shardOf } from '@spillway/topology';
import { onPlaneInView, type BrokerView } from '../broker-view.ts';
import { untilHeld } from '../shard-holdings.ts';
import { steadyLoad, type SteadyLoad } from '../steady-load.ts';

const TENANT = 'shards';
const RATE_PER_SECOND = 200;
/** Enough that every shard has some, and each is heard of several times a second. */
const ENDPOINTS = 24;
const FROZEN_MS = 20_000;
const MOVED_WITHIN_MS = 10_000;

let receiver: Receiver;
let books: Books;
beforeEach(async () => {
  books = new Books(({ type }) => [type.slice('kind.'.length)]);
  receiver = await startReceiver((request) => {
    books.arrived(request);
    return 200;
  });
});
afterEach(() => receiver.stop());

const createEndpoints = async (plane: Plane): Promise<void> => {
  const shards = new Set<number>();
  for (let i = 0; i < ENDPOINTS; i += 1) shards.add(shardOf((await plane.createEndpoint(TENANT, { url: `${receiver.url}/${i}`, types: [`kind.${i}`] })).id));
  expect(shards.size).toBeGreaterThan(allShards.length / 2);
};

const load = (plane: Plane): SteadyLoad => steadyLoad(plane, books, RATE_PER_SECOND, (n) => ({ tenant: TENANT, type: `kind.${n % ENDPOINTS}`, data: `"${'x'.repeat(200)}"` }));
const isSpread = (view: BrokerView): Promise<void> => untilHeld(view, 'dispatcher');

const everythingArrived = async (view: BrokerView): Promise<void> => {
  await eventually(() => expect(books.missing()).toEqual([]), 60_000);
  await view.settled();
};

/** The longest that any endpoint was without an arrival, from `fromMs` on, while every one of them was sent to all the time. */
const longestSilence = (fromMs: number, untilMs: number): number => Math.max(...Array.from({ length: ENDPOINTS }, (_, i) => books.longestSilenceMs(String(i), fromMs, untilMs)));

it('moves the shards of a dispatcher that is killed, and of one that is frozen for 20 s, and loses nothing', async () => {
  const random = seeded();
  await onPlaneInView({ apps: { dispatcher: 2 } }, async (plane, view) => {
    await createEndpoints(plane);
    await isSpread(view);
    const sending = load(plane);
    const silences: number[] = [];
    const strike = async (what: string, victim: PlaneProcess, act: () => Promise<void>): Promise<void> => {
      await isSpread(view);
      await pause(random.between(2_000, 4_000)); // how long nothing is wrong is part of what is tried, not a wait for something
      const over = books.fault(`${what} of ${victim.name}`, 'the moment');
      const atMs = Date.now();
      await act();
      over();
      silences.push(longestSilence(atMs, Date.now()));
    };
    const [first, second] = [plane.app('dispatcher', 0), plane.app('dispatcher', 1)];
    try {
      await strike('SIGKILL', first, async () => {
        await first.kill();
        books.struck();
        await untilHeld(view, 'dispatcher', [8]);
        await pause(2_000);
      });
      await first.start();
      await first.ready();
      await strike('SIGSTOP', second, async () => {
        second.freeze();
        books.struck();
        await pause(FROZEN_MS);
        second.thaw();
      });
      await isSpread(view);
      await pause(2_000);
    } finally {
      await sending.stop();
    }
    await everythingArrived(view);
    process.stdout.write(`${books.print(`shards, seed ${random.seed}`)}\n  longest silence of an endpoint: ${silences.join(' ms, ')} ms\n`);
  });
  expect(books.totals()).toMatchObject({ lost: 0, unexplained: 0, strange: 0 });
  expect(longestSilence(books.faults[0]?.atMs ?? 0, Date.now() - 15_000)).toBeLessThan(MOVED_WITHIN_MS);
});

it('gives a dispatcher that is added its share, and delivers nothing twice', async () => {
  await onPlaneInView({}, async (plane, view) => {
    await createEndpoints(plane);
    await untilHeld(view, 'dispatcher', [8]);
    const sending = load(plane);
    await pause(3_000);
    const added = await plane.add('dispatcher');
    await isSpread(view);
    await pause(3_000);
    // and back: who is stopped hands over what it has
    expect(await added.stop()).toEqual({ code: 0, signal: null });
    await untilHeld(view, 'dispatcher', [8]);
    await pause(2_000);
    await sending.stop();
    await everythingArrived(view);
    process.stdout.write(`${books.print('a dispatcher added and stopped')}\n`);
  });
  expect(books.totals()).toMatchObject({ lost: 0, duplicates: 0, strange: 0 });
});
