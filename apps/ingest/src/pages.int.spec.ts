import { EndpointRegistry, EndpointStore, newMasterKey, parseMasterKeys } from '@spillway/endpoints';
import { testLog } from '@spillway/jetstream/testing';
import { eventually } from '@spillway/testing';
import { subject } from '@spillway/topology';
import { startRig, type Rig } from '../test/rig.ts';

const BATCH = 100;
let rig: Rig;
beforeAll(async () => {
  rig = await startRig();
});
afterAll(() => rig.stop());

const batchOf = (tenant: string): string => JSON.stringify(Array.from({ length: BATCH }, (_, n) => ({ tenant, type: 'a', data: n })));
const send = async (tenant: string): Promise<void> => {
  const { results } = await rig.post(batchOf(tenant), {}, '/v1/events/batch');
  expect(results.map(({ status }) => status)).toEqual(Array.from({ length: BATCH }, () => 202));
};
const messagesOn = async (on: string): Promise<number> => {
  const { state } = await rig.plane.broker.api<{ state: { subjects?: Record<string, number> } }>('STREAM.INFO.WEBHOOK_INGEST', { subjects_filter: on });
  return state.subjects?.[on] ?? 0;
};
const numbers = async (tenant: string): Promise<string[]> => (await rig.all(tenant)).map(({ body }) => body.replace(/^.*"data":/, ''));
const inOrder = Array.from({ length: BATCH }, (_, n) => `${n}}`);

it('stores a batch of one tenant as one message, in order', async () => {
  await send('paged');
  expect([await messagesOn(subject.ingest('fresh', 'paged')), await numbers('paged')]).toEqual([1, inOrder]);
});

it('stores each event by itself where order is kept, and an event by itself anyway', async () => {
  const registry = await EndpointRegistry.open(await rig.plane.connect(), { log: testLog });
  await registry.bucket.whenReady();
  await new EndpointStore(registry, { masterKeys: parseMasterKeys(newMasterKey()) }).create('strict', { url: 'http://127.0.0.1:9/', enabled: true, ordered: true }, `whsec_${Buffer.alloc(32, 1).toString('base64')}`);
  const ordered = subject.ingest('ordered', 'strict');
  await eventually(async () => {
    await rig.post(JSON.stringify({ tenant: 'strict', type: 'a', data: -1 }));
    expect(await messagesOn(ordered)).toBeGreaterThan(0);
  });
  const before = await messagesOn(ordered);
  await send('strict');
  expect([await messagesOn(ordered), (await numbers('strict')).slice(-BATCH)]).toEqual([before + BATCH, inOrder]);
  registry.close();
});
