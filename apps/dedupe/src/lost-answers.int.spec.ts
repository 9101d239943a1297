import 'reflect-metadata';
import { eventually, startSilencingProxy, type SilencingProxy } from '@spillway/testing';
import { Rig, type Accepted } from '../test/rig.ts';

/** More than go singly, so that they go as one batch. */
const MANY = 12;

let rig: Rig;
let proxy: SilencingProxy;
beforeEach(async () => {
  rig = await Rig.start();
  proxy = await startSilencingProxy(Number(rig.plane.url.split(':')[1]));
}, 60_000);
afterEach(async () => {
  await rig.stop();
  await proxy.stop();
}, 60_000);

it('takes no event for a duplicate of itself when it was stored and the answer was lost, in its turn, for many endpoints, or parked', async () => {
  await Promise.all([rig.endpoint({}, 'single'), ...Array.from({ length: MANY }, () => rig.endpoint({}, 'batch')), rig.endpoint({ ordered: true }, 'parked')]);
  for (const prefix of ['webhook.delivery.', 'webhook.parked.']) proxy.silence(prefix, 'answers');
  await rig.startDedupe({ NATS_URL: `127.0.0.1:${proxy.port}` });
  const events: Accepted[] = [];
  for (const [tenant, lane] of [['single', 'fresh'], ['batch', 'fresh'], ['parked', 'ordered']] as const) events.push(await rig.accept('a', { tenant, lane }));
  await eventually(async () => expect([await rig.left('WEBHOOK_DELIVERY'), await rig.left('WEBHOOK_PARKED')]).toEqual([1 + MANY, 1]), 60_000);
  proxy.speak();
  await eventually(async () => expect(await rig.left('WEBHOOK_INGEST')).toBe(0), 60_000);
  expect(await rig.factsOf('event.duplicates_dropped')).toEqual([]);
  // a reader takes the same fact twice for one
  const accepted = new Map((await rig.factsOf('event.accepted')).map(({ event, deliveries }) => [event, deliveries.length]));
  expect(accepted).toEqual(new Map(events.map(({ id }, n) => [id, n === 1 ? MANY : 1])));
  expect([await rig.left('WEBHOOK_DELIVERY'), await rig.left('WEBHOOK_PARKED')]).toEqual([1 + MANY, 1]);
}, 150_000);
