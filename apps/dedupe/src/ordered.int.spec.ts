import 'reflect-metadata';
import { deliveryId, header } from '@spillway/contracts';
import { eventually } from '@spillway/testing';
import { shardOf, subject } from '@spillway/topology';
import { Rig, type Accepted } from '../test/rig.ts';

let rig: Rig;
beforeEach(async () => {
  rig = await Rig.start();
}, 60_000);
afterEach(() => rig.stop(), 60_000);

const eventsIn = async (stream: string): Promise<string[]> => (await rig.everythingIn(stream)).map(({ headers }) => headers.get(header.eventId) ?? '');
const counted = async (): Promise<Record<string, number>> => ({
  refusedByParked: await rig.metric('spillway_deliveries_refused_total', 'WEBHOOK_PARKED'),
  refusedByDead: await rig.metric('spillway_deliveries_refused_total', 'WEBHOOK_DEAD'),
  deadKept: await rig.metric('spillway_dead_letters_total', 'kept="true",reason="parked_overflow"'),
  deadLost: await rig.metric('spillway_dead_letters_total', 'kept="false",reason="parked_overflow"'),
});
const acceptInOrder = async (count: number, from = 0): Promise<Accepted[]> => {
  const accepted: Accepted[] = [];
  for (let n = from; n < from + count; n += 1) accepted.push(await rig.accept(`k${n}`, { lane: 'ordered' }));
  return accepted;
};

it('an ordered endpoint’s deliveries go straight to PARKED in the order of acceptance, the tenant’s others take their turn', async () => {
  const ordered = await rig.endpoint({ ordered: true });
  const other = await rig.endpoint();
  await rig.startDedupe();
  const events = await acceptInOrder(100);
  await rig.untilSettled(...events);
  expect(await eventsIn('WEBHOOK_PARKED')).toEqual(events.map(({ id }) => id));
  const [first] = await rig.everythingIn('WEBHOOK_PARKED');
  expect(first?.subject).toBe(subject.parked('first', shardOf(ordered.id), ordered.id));
  expect([first?.headers.get(header.attempt), first?.headers.get(header.messageId)]).toEqual(['1', `${events[0]?.id}:${ordered.id}`]);
  expect((await rig.everythingIn('WEBHOOK_DELIVERY')).map(({ subject: on }) => on)).toEqual(events.map(() => subject.delivery('fresh', shardOf(other.id))));
  const parked = await rig.factsOf('delivery.parked');
  expect(parked[0]).toMatchObject({ endpoint: ordered.id, reason: 'ordered', app: 'dedupe', deliveries: [deliveryId(events[0]?.id ?? '', ordered.id)] });
  await eventually(async () => expect(await rig.left('WEBHOOK_INGEST')).toBe(0));
}, 90_000);

it('repeats are dropped there as everywhere, and hold nobody up', async () => {
  await rig.endpoint({ ordered: true });
  await rig.startDedupe();
  const events: Accepted[] = [];
  for (let n = 0; n < 100; n += 1) events.push(await rig.accept(`k${Math.floor(n / 5)}`, { lane: 'ordered' }));
  await rig.untilSettled(...events);
  expect(await eventsIn('WEBHOOK_PARKED')).toEqual([...new Set(events.map(({ id }) => id))]);
}, 90_000);

it('where PARKED refuses it is a dead letter at once, said so, and the event’s others go without it', async () => {
  const ordered = await rig.endpoint({ ordered: true });
  await rig.endpoint();
  await rig.limit('WEBHOOK_PARKED', 2_000);
  await rig.startDedupe();
  const events = await acceptInOrder(20);
  await rig.untilSettled(...events);
  const kept = await rig.left('WEBHOOK_PARKED');
  expect(kept).toBeLessThan(20);
  expect([await rig.left('WEBHOOK_DELIVERY'), await rig.left('WEBHOOK_DEAD')]).toEqual([20, 20 - kept]);
  const dead = await rig.factsOf('delivery.dead');
  expect(dead.map(({ event }) => event)).toEqual(events.slice(kept).map(({ id }) => id));
  expect(dead[0]).toMatchObject({ endpoint: ordered.id, reason: 'parked_overflow', by: 'endpoint', kept: true, app: 'dedupe', attempt: 1 });
  expect(await counted()).toEqual({ refusedByParked: 20 - kept, refusedByDead: 0, deadKept: 20 - kept, deadLost: 0 });
}, 90_000);

it('where the dead letters have no room either its fact is all that is left, and that is counted apart', async () => {
  await rig.endpoint({ ordered: true });
  await rig.limit('WEBHOOK_PARKED', 2_000);
  await rig.limit('WEBHOOK_DEAD', 2_000);
  await rig.startDedupe();
  await rig.untilSettled(...(await acceptInOrder(40)));
  const [parked, dead] = [await rig.left('WEBHOOK_PARKED'), await rig.left('WEBHOOK_DEAD')];
  const lost = 40 - parked - dead;
  expect([parked > 0, dead > 0, lost > 0]).toEqual([true, true, true]);
  expect((await rig.factsOf('delivery.dead')).filter(({ kept }) => !kept)).toHaveLength(lost);
  expect(await counted()).toEqual({ refusedByParked: 40 - parked, refusedByDead: lost, deadKept: dead, deadLost: lost });
}, 90_000);

it('one of two dedupes works it; when that one is killed the other goes on in order', async () => {
  await rig.endpoint({ ordered: true });
  const worker = await rig.startProcess({ SPILLWAY_LOG_LEVEL: 'info' });
  const events = await acceptInOrder(50);
  await eventually(async () => expect((await eventsIn('WEBHOOK_PARKED')).length).toBeGreaterThan(10), 60_000);
  const accepting = acceptInOrder(300, 50);
  await worker.kill();
  await rig.startDedupe();
  events.push(...(await accepting));
  // what was told and not removed when it was killed is told once more
  await eventually(async () => expect(new Set(await rig.settledSequences()).size).toBe(350), 60_000);
  expect(await eventsIn('WEBHOOK_PARKED')).toEqual(events.map(({ id }) => id));
}, 150_000);
