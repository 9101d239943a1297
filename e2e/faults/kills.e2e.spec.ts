import { setTimeout as pause } from 'node:timers/promises';
import { Books, eventually, seeded, startReceiver, type Plane, type Receiver, type Seeded, type ToSend } from '@spillway/testing';
import { onPlaneInView, type BrokerView } from '../broker-view.ts';
import { steadyLoad } from '../steady-load.ts';

const EVENTS = 10_000;
/** 50 s of load and more, until the last fault is over: a fifth of 50 s for each fault, its restart, and what a shard needs to find a new owner (4 s) or a message to come again (5 s). */
const RATE_PER_SECOND = 200;
/** So that something is in flight whenever a dispatcher is killed. */
const ANSWERS_AFTER_MS = 40;
/** Targets: moving again ≤ 10 s. */
const MOVING_AGAIN_WITHIN_MS = 10_000;
const TENANT = 'kills';
/** Spread over the shards; the last gets what the first gets, too: an event with two deliveries. */
const ENDPOINTS = ['0', '1', '2', '3', '4', 'second'] as const;
const owes = ({ type }: ToSend): string[] => (type === 'kind.0' ? ['0', 'second'] : [type.slice(-1)]);

const event = (n: number): Omit<ToSend, 'id'> => ({ tenant: TENANT, type: `kind.${n % 5}`, data: `{"n":${n},"text":"${'x'.repeat(200)}"}` });

const createEndpoints = async (plane: Plane, url: string): Promise<void> => {
  for (const path of ENDPOINTS) await plane.createEndpoint(TENANT, { url: `${url}/${path}`, types: [path === 'second' ? 'kind.0' : `kind.${path}`] });
};

type Kill = { what: 'ingest' | 'dedupe' | 'dispatcher' | 'nats'; /** Once so many events are acknowledged. */ after: number };

/** Each app in any order, and the broker twice at the end: each at a random moment of its own fifth of the run, so that it is under load. */
const planKills = ({ shuffle, between }: Seeded): Kill[] => {
  const order = [...shuffle(['ingest', 'dedupe', 'dispatcher'] as const), 'nats', 'nats'] as const;
  const fifth = EVENTS / order.length;
  return order.map((what, i) => ({ what, after: Math.round((i + between(0.1, 0.6)) * fifth) }));
};

let receiver: Receiver;
const books = new Books(owes);
beforeAll(async () => {
  receiver = await startReceiver(async (request) => {
    books.arrived(request);
    await pause(ANSWERS_AFTER_MS);
    return 200;
  });
});
afterAll(() => receiver.stop());

/** What ingest and dedupe do again is known by its id; a dispatcher that is gone attempts nothing more, and one whose broker is gone goes on for as long as its leases last. */
const EXCUSES = { ingest: 'nothing', dedupe: 'nothing', dispatcher: 'the moment', nats: 'all along' } as const;

const carryOut = async (kill: Kill, plane: Plane, view: BrokerView): Promise<void> => {
  await eventually(() => expect(books.acknowledgedCount).toBeGreaterThanOrEqual(kill.after), 120_000);
  const over = books.fault(`SIGKILL of ${kill.what} after ${books.acknowledgedCount}`, EXCUSES[kill.what]);
  if (kill.what === 'nats') await plane.broker.restart();
  else {
    const app = plane.app(kill.what);
    await app.kill();
    books.struck();
    await app.start();
    await app.ready();
  }
  over();
  // One fault at a time: what dedupe had in hand when it was killed comes again after ack_wait, and is known by its id only until the broker is killed, too
  // (a restarted server knows no ids of what was swept).
  await eventually(() => view.digested());
};

it('loses nothing of 10,000 events while every process is killed, and repeats only what was in flight', async () => {
  const random = seeded();
  await onPlaneInView({}, async (plane, view) => {
    await createEndpoints(plane, receiver.url);
    const load = steadyLoad(plane, books, RATE_PER_SECOND, event);
    try {
      // under load however long they take: it ends after the last
      for (const kill of planKills(random)) await carryOut(kill, plane, view);
      await eventually(() => expect(books.acknowledgedCount).toBeGreaterThanOrEqual(EVENTS), 120_000);
      await load.stop();
      await eventually(() => expect(books.missing()).toEqual([]), 60_000);
      await view.settled();
    } finally {
      await load.stop();
      process.stdout.write(`${books.print(`kills, seed ${random.seed}`)}\n`);
    }
  });
  const { attempted } = books.totals();
  expect(attempted).toBeGreaterThanOrEqual(EVENTS);
  expect(books.totals()).toMatchObject({ acknowledged: attempted, owed: attempted + attempted / 5, delivered: attempted + attempted / 5, lost: 0, unexplained: 0, strange: 0 });
  expect(books.faults.filter((fault) => (books.resumedAfterMs(fault) ?? Infinity) > MOVING_AGAIN_WITHIN_MS)).toEqual([]);
});
