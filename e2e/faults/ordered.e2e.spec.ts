import { setTimeout as after } from 'node:timers/promises';
import { eventually, seeded, startReceiver, type Plane, type PlaneProcess, type Receiver, type Seeded } from '@spillway/testing';
import { shardOf } from '@spillway/topology';
import { onPlaneInView, type BrokerView } from '../broker-view.ts';

const TENANT = 'ordered';
const EVENTS = 1_000;
/** Order holds for what is accepted from then on. */
const HOLDS_AFTER_MS = 5_000;
const FROZEN_MS = 20_000;
/** Sent so far ahead of what has arrived, so that dedupe and dispatcher are both at work whenever something happens to one of them. */
const AHEAD = 100;
/** A broker that is killed refuses meanwhile. */
const ANSWERED_WITHIN_MS = 60_000;
const ARRIVED_WITHIN_MS = 300_000;
/** It answers 500 to every attempt: dead after four, and skipped. */
const DEAD = 500;

type Fault = { what: string; /** Once so many have arrived. */ after: number; act: (plane: Plane, view: BrokerView) => Promise<void> };

const numberOf = (body: Buffer): number => (JSON.parse(body.toString()) as { data: { n: number } }).data.n;

/** Attempts by event, in the order of their arrival. */
const arrived: number[] = [];
const firstArrivals = (): number[] => [...new Set(arrived)];
let receiver: Receiver;
beforeAll(async () => {
  receiver = await startReceiver(({ body }) => {
    const n = numberOf(body);
    arrived.push(n);
    const attempts = arrived.filter((other) => other === n).length;
    // every fortieth fails twice before it is taken
    return n === DEAD || (n % 40 === 7 && attempts <= 2) ? 500 : 200;
  });
});
afterAll(() => receiver.stop());

/** The process that holds a lease, by its id in the holder's name. */
const holderOf = async (plane: Plane, view: BrokerView, app: 'dedupe' | 'dispatcher', key: string): Promise<PlaneProcess> =>
  eventually(async () => {
    const { holder } = JSON.parse(await view.value('webhook_leases', key)) as { holder: string };
    const found = [0, 1].map((replica) => plane.app(app, replica)).find((process) => process.running && holder.includes(`-${process.pid}-`));
    if (!found) throw new Error(`${key} is held by "${holder}"`);
    return found;
  }, 60_000);

const frozen = async (process: PlaneProcess): Promise<void> => {
  process.freeze();
  await after(FROZEN_MS);
  process.thaw();
};

const dedupeAtWork = (plane: Plane, view: BrokerView): Promise<PlaneProcess> => holderOf(plane, view, 'dedupe', 'dedupe-ordered.0');

/** In any order, each at a random moment of its own part of the run. */
const faults = ({ shuffle, between }: Seeded, shard: number): Fault[] => {
  const dispatcher = (plane: Plane, view: BrokerView) => holderOf(plane, view, 'dispatcher', `dispatcher.${shard}`);
  const acts: Omit<Fault, 'after'>[] = [
    { what: 'SIGKILL of the dedupe at work', act: async (plane, view) => (await dedupeAtWork(plane, view)).restart() },
    { what: 'a freeze of the dedupe at work', act: async (plane, view) => frozen(await dedupeAtWork(plane, view)) },
    { what: 'SIGKILL of the dispatcher at work', act: async (plane, view) => (await dispatcher(plane, view)).restart() },
    { what: 'a freeze of the dispatcher at work', act: async (plane, view) => frozen(await dispatcher(plane, view)) },
    { what: 'a restart of the broker', act: (plane) => plane.broker.restart() },
  ];
  const part = EVENTS / (acts.length + 1);
  return shuffle(acts).map((act, i) => ({ ...act, after: Math.round((i + between(0.3, 0.9)) * part) }));
};

/** Each after the 202 of the one before, with the same id until it is answered so. */
const sendAll = async (plane: Plane, sent: { count: number }): Promise<void> => {
  for (let n = 0; n < EVENTS; n += 1) {
    await eventually(() => expect(firstArrivals().length).toBeGreaterThanOrEqual(n - AHEAD), ARRIVED_WITHIN_MS);
    await eventually(async () => expect((await plane.send({ tenant: TENANT, type: 'step.done', id: `step-${n}`, data: { n } })).status).toBe(202), ANSWERED_WITHIN_MS);
    sent.count = n + 1;
  }
};

const outOfOrder = (): number => firstArrivals().filter((n, i, all) => i > 0 && n < (all[i - 1] as number)).length;

it('an ordered endpoint receives 1,000 events in the order of their acceptance, through failures, kills, freezes and a restart', async () => {
  const random = seeded();
  await onPlaneInView({ apps: { dedupe: 2, dispatcher: 2 } }, async (plane, view) => {
    const endpoint = await plane.createEndpoint(TENANT, { url: `${receiver.url}/`, ordered: true, schedule: [1, 1, 1] });
    await after(HOLDS_AFTER_MS);
    const sent = { count: 0 };
    const said: string[] = [];
    const striking = (async () => {
      for (const fault of faults(random, shardOf(endpoint.id))) {
        await eventually(() => expect(firstArrivals().length).toBeGreaterThanOrEqual(fault.after), ARRIVED_WITHIN_MS);
        said.push(`${fault.what} after ${sent.count} sent, ${firstArrivals().length} arrived`);
        await fault.act(plane, view);
      }
    })();
    await Promise.all([sendAll(plane, sent), striking]);
    await eventually(() => expect(firstArrivals()).toHaveLength(EVENTS), ARRIVED_WITHIN_MS);
    await eventually(async () => expect(await view.waiting()).toEqual({ WEBHOOK_DEAD: 1 }), 60_000);
    const dead = (await view.facts(TENANT)).filter((fact) => fact.type === 'delivery.dead');
    process.stdout.write(`ordered, seed ${random.seed}: ${EVENTS} sent, ${firstArrivals().length} arrived, ${outOfOrder()} out of order, ${arrived.length} attempts\n  ${said.join('\n  ')}\n`);
    expect(new Set(dead.map(({ endpoint: of, reason }) => `${of} ${reason}`))).toEqual(new Set([`${endpoint.id} exhausted`]));
  });
  expect(outOfOrder()).toBe(0);
  expect(firstArrivals()).toEqual(Array.from({ length: EVENTS }, (_, n) => n));
  expect(receiver.mostInFlight).toBeLessThanOrEqual(2); // one, and one that a dispatcher had under way when it was killed or frozen
});
