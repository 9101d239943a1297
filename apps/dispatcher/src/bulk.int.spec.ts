import 'reflect-metadata';
import { setTimeout as after } from 'node:timers/promises';
import { header } from '@spillway/contracts';
import type { EndpointRecord } from '@spillway/endpoints';
import { eventually } from '@spillway/testing';
import { Rig } from '../test/rig.ts';

let rig: Rig;
beforeEach(async () => {
  rig = await Rig.start();
}, 60_000);
afterEach(() => rig.stop(), 60_000);

const ANSWERS_AFTER_MS = 50;
const BULK = 3_000;
const ENDPOINTS = 20;

const slow = (): Promise<number> => after(ANSWERS_AFTER_MS, 200);

it('fresh begins at once while thousands wait in bulk and slots are short, and bulk goes on', async () => {
  const [busy, quick] = [await rig.receiver(slow), await rig.receiver(slow)];
  const flooded = await Promise.all(Array.from({ length: ENDPOINTS }, () => rig.endpoint(busy.url, {}, 'flood')));
  const other = await rig.endpoint(quick.url);
  await Promise.all(Array.from({ length: BULK }, (_, n) => rig.owe(flooded[n % ENDPOINTS] as EndpointRecord, 'bulk')));
  // 16 slots, 50 ms each: bulk alone would take ten seconds for what waits
  await rig.startDispatcher({ SPILLWAY_ATTEMPTS_AT_ONCE: '16' });
  await eventually(() => expect(busy.requests.length).toBeGreaterThan(50));
  const waits: number[] = [];
  /** How many of bulk began while each of fresh waited. */
  const passedBy: number[] = [];
  const before = busy.requests.length;
  for (let n = 1; n <= 20; n += 1) {
    const [owedAt, begun] = [Date.now(), busy.requests.length];
    await rig.owe(other, 'fresh');
    await eventually(() => expect(quick.requests).toHaveLength(n));
    waits.push((quick.requests[n - 1]?.at ?? 0) - owedAt);
    passedBy.push(busy.requests.length - begun);
  }
  const meanwhile = busy.requests.length - before;
  process.stdout.write(`fresh began after ${waits.toSorted((a, b) => a - b)[10]} ms in the middle, ${Math.max(...waits)} ms at the longest; ${meanwhile} of bulk meanwhile, ${BULK - before - meanwhile} still waiting\n`);
  expect(busy.requests.length).toBeLessThan(BULK);
  expect(meanwhile).toBeGreaterThan(0);
  // a second's worth is 160: by their numbers, since what else the machine does holds up both
  expect(Math.max(...passedBy)).toBeLessThan(BULK / 4);
  // half of the slots; a receiver sees the next request before it has seen the end of the last, and what met a cap comes back from PARKED
  expect(busy.mostInFlight).toBeLessThanOrEqual(12);
  await eventually(() => expect(new Set(busy.requests.map(({ headers }) => headers['webhook-id'])).size).toBe(BULK), 120_000);
}, 200_000);

it('bulk moves while fresh takes every slot', async () => {
  const [busy, patient] = [await rig.receiver(slow), await rig.receiver(slow)];
  const flooded = await Promise.all(Array.from({ length: ENDPOINTS }, (_, n) => rig.endpoint(busy.url, {}, `flood${n}`)));
  const bulk = await rig.endpoint(patient.url);
  for (const endpoint of flooded) await rig.owe(endpoint, 'fresh');
  await Promise.all(Array.from({ length: BULK }, (_, n) => rig.owe(flooded[n % ENDPOINTS] as EndpointRecord, 'fresh')));
  await Promise.all(Array.from({ length: 20 }, () => rig.owe(bulk, 'bulk')));
  await rig.startDispatcher({ SPILLWAY_ATTEMPTS_AT_ONCE: '16' });
  await eventually(() => expect(patient.requests).toHaveLength(20), 60_000);
  expect(busy.requests.length).toBeLessThan(BULK);
}, 130_000);

it('a failure in bulk waits in the calendar like any other, and one of a dead endpoint in PARKED', async () => {
  const broken = await rig.receiver(() => 500);
  const endpoint = await rig.endpoint(broken.url);
  await rig.startDispatcher();
  await rig.owe(endpoint, 'bulk');
  await eventually(async () => expect(await rig.left('WEBHOOK_RETRY')).toBe(1));
  await rig.change(endpoint, { enabled: false });
  await rig.owe(endpoint, 'bulk');
  await eventually(async () => expect([await rig.left('WEBHOOK_PARKED'), await rig.left('WEBHOOK_DELIVERY')]).toEqual([1, 0]));
});

it('what was parked of bulk says so there, and comes back to its half of the slots', async () => {
  const flooded = await rig.receiver(slow);
  const endpoints = await Promise.all(Array.from({ length: ENDPOINTS }, () => rig.endpoint(flooded.url, { enabled: false }, 'flood')));
  await rig.startDispatcher({ SPILLWAY_ATTEMPTS_AT_ONCE: '16' });
  const owed = 600;
  await Promise.all(Array.from({ length: owed }, (_, n) => rig.owe(endpoints[n % ENDPOINTS] as EndpointRecord, 'bulk')));
  await eventually(async () => expect([await rig.left('WEBHOOK_PARKED'), await rig.left('WEBHOOK_DELIVERY')]).toEqual([owed, 0]), 60_000);
  expect(new Set((await rig.everythingIn('WEBHOOK_PARKED')).map(({ headers }) => headers.get(header.lane)))).toEqual(new Set(['bulk']));
  for (const endpoint of endpoints) await rig.change(endpoint, { enabled: true });
  await eventually(() => expect(new Set(flooded.requests.map(({ headers }) => headers['webhook-id'])).size).toBe(owed), 60_000);
  await eventually(async () => expect(await rig.left('WEBHOOK_PARKED')).toBe(0), 60_000);
  // half of 16, and a receiver sees the next request before it has seen the end of the last
  expect(flooded.mostInFlight).toBeLessThanOrEqual(12);
  expect(flooded.requests).toHaveLength(owed);
}, 200_000);
