import 'reflect-metadata';
import type { EndpointRecord } from '@spillway/endpoints';
import { switchKey, type DeliveryMeta } from '@spillway/contracts';
import { WatchedBucket } from '@spillway/jetstream';
import { testLog } from '@spillway/jetstream/testing';
import { eventually, type Receiver, type ReceiverHandler } from '@spillway/testing';
import { readParked } from '@spillway/topology';
import { Rig } from '../test/rig.ts';

let rig: Rig;
beforeEach(async () => {
  rig = await Rig.start();
}, 60_000);
afterEach(() => rig.stop(), 60_000);

const idsAt = ({ requests }: Receiver): string[] => requests.map(({ headers }) => String(headers['webhook-id']));
const arrivals = (receiver: Receiver): string[] => [...new Set(idsAt(receiver))];
const oweMany = async (endpoint: EndpointRecord, count: number, place: 'parked' | 'fresh' = 'parked'): Promise<DeliveryMeta[]> => {
  const owed: DeliveryMeta[] = [];
  for (let n = 0; n < count; n += 1) owed.push(await rig.owe(endpoint, place));
  return owed;
};
const idsOf = (owed: readonly DeliveryMeta[]): string[] => owed.map(({ eventId }) => eventId);
const orderedAt = async (handler: ReceiverHandler, schedule: number[] = [1, 1, 1]): Promise<{ receiver: Receiver; endpoint: EndpointRecord }> => {
  const receiver = await rig.receiver(handler);
  return { receiver, endpoint: await rig.endpoint(receiver.url, { ordered: true, schedule }) };
};
const leases = (): Promise<WatchedBucket> => WatchedBucket.open(rig.plane.broker, 'webhook_leases', { log: testLog });
/** Fails the first attempts at every nth event. */
const failing = (every: number, times: number): ReceiverHandler => {
  const seen = new Map<string, number>();
  return ({ headers }) => {
    const id = String(headers['webhook-id']);
    const count = (seen.get(id) ?? 0) + 1;
    seen.set(id, count);
    return seen.size % every === 0 && count <= times ? 500 : 200;
  };
};

it('an ordered endpoint gets one after the other, in the order in which they were parked', async () => {
  const { receiver, endpoint } = await orderedAt(() => 200);
  const owed = await oweMany(endpoint, 100);
  await rig.startDispatcher();
  await eventually(() => expect(idsAt(receiver)).toEqual(idsOf(owed)), 60_000);
  expect(receiver.mostInFlight).toBe(1);
  const more = await oweMany(endpoint, 20);
  await eventually(() => expect(idsAt(receiver)).toEqual(idsOf([...owed, ...more])), 60_000);
  await eventually(async () => expect(await rig.left('WEBHOOK_PARKED')).toBe(0));
}, 150_000);

it('a failed head is retried in place, and nobody passes it', async () => {
  const { receiver, endpoint } = await orderedAt(failing(5, 2));
  const owed = await oweMany(endpoint, 20);
  await rig.startDispatcher();
  await eventually(() => expect(arrivals(receiver)).toHaveLength(20), 60_000);
  await eventually(async () => expect(await rig.left('WEBHOOK_PARKED')).toBe(0));
  expect(arrivals(receiver)).toEqual(idsOf(owed));
  // three attempts at each fifth, one behind the other
  expect(idsAt(receiver)).toEqual(idsOf(owed).flatMap((id, n) => (n % 5 === 4 ? [id, id, id] : [id])));
  const facts = await rig.factsOf(owed[4] as DeliveryMeta);
  expect(facts).toMatchObject([
    { type: 'attempt.failed', attempt: 1, next: 'parked', nextAt: expect.any(String) },
    { type: 'attempt.failed', attempt: 2, next: 'parked' },
    { type: 'attempt.succeeded', attempt: 3 },
  ]);
  expect(await rig.left('WEBHOOK_RETRY')).toBe(0);
  const bucket = await leases();
  await bucket.whenReady();
  await eventually(() => expect([...bucket.entries('head.')]).toEqual([]));
  bucket.close();
}, 180_000);

it('a dead head lets the next go, and it is said', async () => {
  const broken = { id: '' };
  const { receiver, endpoint } = await orderedAt(({ headers }) => (headers['webhook-id'] === broken.id ? 500 : 200), [1]);
  const owed = await oweMany(endpoint, 5);
  broken.id = owed[2]?.eventId ?? '';
  await rig.startDispatcher();
  await eventually(() => expect(arrivals(receiver)).toEqual(idsOf(owed)), 60_000);
  await eventually(async () => expect((await rig.factsOf(owed[2] as DeliveryMeta)).map(({ type }) => type)).toEqual(['attempt.failed', 'attempt.failed', 'delivery.dead']));
  const [dead] = await rig.everythingIn('WEBHOOK_DEAD');
  expect([dead?.headers.get('Webhook-Reason'), dead?.headers.get('Webhook-Attempt')]).toEqual(['exhausted', '2']);
}, 90_000);

it('number and due time of a head outlive their owner', async () => {
  // so long before the third attempt that a slow machine, too, has stopped who made the second
  const { receiver, endpoint } = await orderedAt(() => 500, [1, 30, 60]);
  const [first, ...behind] = await oweMany(endpoint, 3);
  const before = await rig.startDispatcher();
  await eventually(() => expect(receiver.requests).toHaveLength(2), 30_000);
  const bucket = await leases();
  const kept = await eventually(() => JSON.parse(bucket.get(`head.${endpoint.id}`)?.value ?? '') as { origin: string; attempt: number; dueAt: string });
  await eventually(() => expect(JSON.parse(bucket.get(`head.${endpoint.id}`)?.value ?? '')).toMatchObject({ attempt: 3 }));
  expect(kept.origin).toMatch(/^WEBHOOK_PARKED@.+:1$/);
  const { dueAt } = JSON.parse(bucket.get(`head.${endpoint.id}`)?.value ?? '') as { dueAt: string };
  await before.stop();
  receiver.handler = () => 200;
  await rig.startDispatcher();
  await eventually(() => expect(arrivals(receiver)).toEqual(idsOf([first as DeliveryMeta, ...behind])), 120_000);
  expect(receiver.requests[2]?.at).toBeGreaterThanOrEqual(Date.parse(dueAt));
  await eventually(async () => expect((await rig.factsOf(first as DeliveryMeta)).at(-1)).toMatchObject({ type: 'attempt.succeeded', attempt: 3 }));
  bucket.close();
}, 240_000);

it('while retries are suspended a failed head waits, and those behind it too; first attempts of others go on', async () => {
  const { receiver, endpoint } = await orderedAt(failing(1, 1));
  const other = await orderedAt(() => 200);
  const control = await WatchedBucket.open(rig.plane.broker, 'webhook_control', { log: testLog });
  await control.put(switchKey({}), JSON.stringify({ suspended: { by: 'test', at: '2026-01-01T00:00:00Z' } }));
  const owed = await oweMany(endpoint, 3);
  await rig.startDispatcher();
  await eventually(() => expect(receiver.requests).toHaveLength(1), 30_000);
  const others = await oweMany(other.endpoint, 3);
  await eventually(() => expect(idsAt(other.receiver)).toEqual(idsOf(others)));
  const until = performance.now() + 4_000;
  await eventually(() => expect(performance.now()).toBeGreaterThan(until));
  expect([receiver.requests.length, await rig.left('WEBHOOK_RETRY')]).toEqual([1, 0]);
  await control.remove(switchKey({}));
  await eventually(() => expect(arrivals(receiver)).toEqual(idsOf(owed)), 60_000);
  control.close();
}, 120_000);

it('what comes by its turn joins the end of its subject, and one that PARKED refuses is dead at once', async () => {
  const { receiver, endpoint } = await orderedAt(() => 500, [60]);
  const parked = await rig.owe(endpoint, 'parked');
  await rig.startDispatcher();
  await eventually(() => expect(receiver.requests).toHaveLength(1), 30_000);
  const turned = [await rig.owe(endpoint, 'fresh'), await rig.owe(endpoint, 'bulk', { job: 'job_1' })];
  await eventually(async () => expect([await rig.left('WEBHOOK_PARKED'), await rig.left('WEBHOOK_DELIVERY')]).toEqual([3, 0]));
  const { config } = await rig.plane.broker.api<{ config: object }>('STREAM.INFO.WEBHOOK_PARKED');
  await rig.plane.broker.api('STREAM.UPDATE.WEBHOOK_PARKED', { ...config, max_bytes: 1_500 });
  const refused = await rig.owe(endpoint, 'fresh');
  await eventually(async () => expect(await rig.factsOf(refused)).toMatchObject([{ type: 'delivery.dead', reason: 'parked_overflow', by: 'endpoint', kept: true }]));
  expect([idsAt(receiver), await rig.left('WEBHOOK_RETRY'), await rig.left('WEBHOOK_DEAD')]).toEqual([[parked.eventId], 0, 1]);
  expect((await rig.everythingIn('WEBHOOK_PARKED')).map(({ subject: on }) => readParked(on)?.kind)).toEqual(['first', 'first', 'first']);
  expect(turned).toHaveLength(2);
}, 90_000);

it('changing the order while thousands wait strands none', async () => {
  const receiver = await rig.receiver(() => 200);
  const endpoint = await rig.endpoint(receiver.url, { maxInFlight: 2, schedule: [1] });
  const owed = await oweMany(endpoint, 1_500);
  await rig.startDispatcher();
  await eventually(() => expect(receiver.requests.length).toBeGreaterThan(100), 30_000);
  await rig.change(endpoint, { ordered: true });
  await eventually(() => expect(receiver.requests.length).toBeGreaterThan(700), 60_000);
  receiver.handler = () => 500;
  // a head that was tried twice stays one, however many have become the head since this was last looked at
  await eventually(() => expect(idsAt(receiver).length).toBeGreaterThan(new Set(idsAt(receiver)).size), 30_000);
  receiver.handler = () => 200;
  await rig.change(endpoint, { ordered: false });
  // the one that failed twice is dead or waits in the calendar, which nobody works here
  await eventually(async () => expect(await rig.left('WEBHOOK_PARKED')).toBe(0), 60_000);
  const missing = idsOf(owed).filter((id) => !idsAt(receiver).includes(id));
  expect(missing).toEqual([]);
}, 200_000);
