import { factsIn, startPlaneBroker, type PlaneBroker } from '@spillway/jetstream/testing';
import { shardOf, subject } from '@spillway/topology';
import { eventually } from '@spillway/testing';
import { Plane, type Settled, type Step } from './plane.ts';

const SHARD = shardOf('ep_1');

let broker: PlaneBroker;
let plane: Plane;
beforeEach(async () => {
  broker = await startPlaneBroker();
  plane = new Plane(broker.broker, 'dispatcher', () => new Date());
});
afterEach(async () => {
  plane.close();
  await broker.stop();
});

const settled = (deliveryId: string, from: string): Settled =>
  ({
    from: { subject: from, origin: deliveryId, owned: () => true, data: Buffer.from('{}') },
    meta: { eventId: 'evt_1', tenant: 'acme', type: 'a.b', source: 'test', acceptedAt: '2026-11-23T00:00:00.000Z', endpointId: 'ep_1', attempt: 1 },
    delivery: { deliveryId },
  }) as unknown as Settled;

const ended = (deliveryId: string): Step =>
  ({ next: { go: 'nowhere' }, facts: [{ v: 1, at: '2026-11-23T00:00:00.000Z', type: 'attempt.succeeded', tenant: 'acme', event: 'evt_1', endpoint: 'ep_1', delivery: deliveryId, attempt: 1, status: 200, durationMs: 1 }] }) as unknown as Step;

const told = async (): Promise<unknown[]> => (await factsIn(broker.broker)).map((fact) => ('delivery' in fact ? fact.delivery : fact.type));

it('lets the facts of what is bulk wait for company, and not those of anything else, nor while a suspect is alone', async () => {
  const bulk = plane.record(ended('of bulk'), settled('of bulk', subject.delivery('bulk', SHARD)));
  const others = [subject.delivery('fresh', SHARD), subject.parked('first', SHARD, 'ep_1')].map((from) => plane.record(ended(from), settled(from, from)));
  await Promise.all([bulk, ...others]);
  expect((await told()).at(-1)).toBe('of bulk');

  plane.workAlone(true);
  await Promise.all(['of a suspect', 'fresh'].map((name, n) => plane.record(ended(name), settled(name, subject.delivery(n === 0 ? 'bulk' : 'fresh', SHARD)))));
  expect((await told()).slice(3)).toEqual(['of a suspect', 'fresh']);
});

it('tells the owner of what was parked at once, and in the end of those that came right behind it', async () => {
  const heard: string[] = [];
  broker.broker.nc.subscribe(subject.nudge('first', SHARD), { callback: (_, message) => void heard.push(message.string()) });
  await broker.broker.nc.flush();
  const park = { next: { go: 'parked', reason: 'circuit_open' }, facts: [] } as unknown as Step;
  await Promise.all([1, 2, 3].map((n) => plane.move(park, settled(`dl_${n}`, subject.delivery('fresh', SHARD)))));
  await eventually(() => expect(heard).toHaveLength(2));
  expect(new Set(heard).size).toBe(1);
});
