import 'reflect-metadata';
import type { EndpointRecord } from '@spillway/endpoints';
import { WatchedBucket } from '@spillway/jetstream';
import { testLog } from '@spillway/jetstream/testing';
import { eventually } from '@spillway/testing';
import { Rig } from '../test/rig.ts';

let rig: Rig;
beforeEach(async () => {
  rig = await Rig.start();
}, 60_000);
afterEach(() => rig.stop(), 60_000);

/** Overall, counted from acceptance; heads are looked at ten times as often. */
const AGE = { SPILLWAY_MAX_DELIVERY_AGE_SECONDS: '5' };
const long = (ms: number): string => new Date(Date.now() + ms).toISOString();
const [OLD, YOUNG] = [{ acceptedAt: long(-60_000) }, { acceptedAt: long(3_600_000) }];
const OWED = 700;
const STILL_YOUNG = 40;

const oweMany = async (endpoint: EndpointRecord, count: number, over: { acceptedAt: string }): Promise<void> => {
  await Promise.all(Array.from({ length: count }, () => rig.owe(endpoint, 'parked', over)));
};
/** Each once, however often its page was stored. */
const expired = async (): Promise<Set<string>> => new Set((await rig.facts()).flatMap((fact) => (fact.type === 'delivery.expired' ? [`${fact.endpoint} ${fact.delivery}`] : [])));

it.each<{ what: string; draft: Partial<EndpointRecord> }>([
  { what: 'a disabled endpoint', draft: { enabled: false } },
  { what: 'a disabled endpoint that is ordered', draft: { enabled: false, ordered: true } },
])('what is parked for $what ends once it is too old, with a fact each, and what is younger waits', async ({ draft }) => {
  const receiver = await rig.receiver();
  const endpoint = await rig.endpoint(receiver.url, draft);
  await oweMany(endpoint, OWED, OLD);
  await oweMany(endpoint, STILL_YOUNG, YOUNG);
  await rig.startDispatcher(AGE);
  await eventually(async () => expect(await rig.left('WEBHOOK_PARKED')).toBe(STILL_YOUNG), 60_000);
  expect([(await expired()).size, receiver.requests.length]).toEqual([OWED, 0]);
  await rig.change(endpoint, { enabled: true });
  await eventually(async () => expect([receiver.requests.length, await rig.left('WEBHOOK_PARKED')]).toEqual([STILL_YOUNG, 0]), 60_000);
  expect((await expired()).size).toBe(OWED);
}, 120_000);

it('what is parked for an endpoint whose record is absent ends by its age too', async () => {
  const nobody: EndpointRecord = { ...(await rig.endpoint('http://127.0.0.1:9/')), id: 'ep_00000000nobodyknows' };
  await oweMany(nobody, 3, OLD);
  await oweMany(nobody, 2, YOUNG);
  await rig.startDispatcher(AGE);
  await eventually(async () => expect([await rig.left('WEBHOOK_PARKED'), (await expired()).size]).toEqual([2, 3]), 60_000);
}, 120_000);

it('the keys of heads go with their endpoints, and no others', async () => {
  const leases = await WatchedBucket.open(rig.plane.broker, 'webhook_leases', { log: testLog });
  const heads = async (): Promise<string[]> => {
    await leases.whenReady();
    return [...leases.entries('head.')].map(([key]) => key);
  };
  const [kept, gone] = [await rig.endpoint('http://127.0.0.1:9/', { ordered: true }), await rig.endpoint('http://127.0.0.1:9/', { ordered: true })];
  for (const { id } of [kept, gone]) await leases.put(`head.${id}`, JSON.stringify({ origin: 'TEST@t0:1', attempt: 3, dueAt: long(0) }));
  await rig.startDispatcher();
  await rig.remove(gone);
  await eventually(async () => expect(await heads()).toEqual([`head.${kept.id}`]), 60_000);
  leases.close();
}, 120_000);
