import { eventually } from '@spillway/testing';
import { MIB } from '@spillway/topology';
import { startPlaneBroker, type PlaneBroker } from '../src/testing/index.ts';

let plane: PlaneBroker;
beforeAll(async () => {
  plane = await startPlaneBroker();
});
afterAll(() => plane.stop());

it('gives up a broker that is silent although much is still on its way to it, and comes back when it answers', async () => {
  const { broker, server } = plane;
  server.freeze();
  // far more than the sockets' buffers take: nats.js alone would wait until all of it is sent
  for (let i = 0; i < 32; i += 1) broker.nc.publish('nobody.listens', new Uint8Array(MIB / 2));
  // three pings, 5 s apart
  await eventually(() => expect(broker.connected).toBe(false), 60_000);
  server.thaw();
  await eventually(() => expect(broker.connected).toBe(true), 60_000);
  await eventually(() => broker.api('STREAM.INFO.WEBHOOK_INGEST'));
}, 150_000);
