import { eventually } from '@spillway/testing';
import { startRig, type Rig } from '../../test/rig.ts';

const CROWDED = 200;
const BURST = CROWDED / 4;
const BATCH = 100;

let rig: Rig;
beforeAll(async () => {
  rig = await startRig({ env: { SPILLWAY_CROWDED_EVENTS: String(CROWDED) } });
});
afterAll(() => rig.stop());

const send = async (tenant: string, events: number): Promise<void> => {
  const { status, results } = await rig.post(JSON.stringify(Array.from({ length: events }, () => ({ tenant, type: 'a', data: 1 }))), {}, '/v1/events/batch');
  expect([status, new Set(results.map((result) => result.status))]).toEqual([202, new Set([202])]); // never refused for it
};
const waiting = (tenant: string) => rig.waiting(tenant);
const crowding = async (): Promise<number> => Number(/^spillway_ingest_tenants_crowding (\d+)/m.exec(await (await fetch(`${rig.url}/metrics`)).text())?.[1]);

// one after the other: nobody drains INGEST here, so a crowd stays one until it is purged
it('a tenant that is alone keeps the lane fresh, however much it sends', async () => {
  await send('large', 3 * CROWDED);
  expect(await waiting('large')).toEqual({ fresh: 3 * CROWDED });
  expect(await crowding()).toBe(0);
});

it('beside another the rest of a burst goes to bulk, and then all of it, while the other stays where it is', async () => {
  await send('small', 1);
  const before = await waiting('large');
  await send('large', BATCH);
  const burst = await waiting('large');
  // no more than a burst a tick: the batch may lie across two
  expect((burst['fresh'] as number) - (before['fresh'] as number)).toBeLessThanOrEqual(2 * BURST);
  await eventually(async () => {
    await send('small', 1); // who has sent nothing for ten seconds waits behind nobody
    await send('large', BATCH);
    expect(await crowding()).toBe(1);
  });
  const { fresh } = await waiting('large');
  await send('large', 1);
  expect([(await waiting('large'))['fresh'], Object.keys(await waiting('small'))]).toEqual([fresh, ['fresh']]);
});

it('and comes back to fresh when nothing waits any more', async () => {
  await rig.plane.broker.api('STREAM.PURGE.WEBHOOK_INGEST', { filter: 'webhook.ingest.>', seq: 1_000_000 });
  await eventually(async () => expect(await crowding()).toBe(0));
  await send('large', 1);
  expect(await waiting('large')).toEqual({ fresh: 1 });
});
