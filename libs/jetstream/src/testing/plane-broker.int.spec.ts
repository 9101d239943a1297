import { readFileSync } from 'node:fs';
import { Publisher } from '../publisher.ts';
import { WatchedBucket } from '../watched-bucket.ts';
import { startPlaneBroker, testLog, type PlaneBroker } from './index.ts';

let plane: PlaneBroker;
beforeAll(async () => {
  plane = await startPlaneBroker({ limits: { maxMessagesPerSubject: { WEBHOOK_INGEST: 2 } } });
});
afterAll(() => plane.stop());

it('has streams that take messages, within the limits asked for', async () => {
  const publisher = new Publisher(plane.broker, 'WEBHOOK_INGEST');
  for (const seq of [1, 2]) expect(await publisher.publish('webhook.ingest.fresh.acme', [], Buffer.from('{}'))).toEqual({ seq, duplicate: false });
  await expect(publisher.publish('webhook.ingest.fresh.acme', [], Buffer.from('{}'))).rejects.toMatchObject({ kind: 'subject_full' });
});

it('has buckets that are ready to be believed', async () => {
  const bucket = await WatchedBucket.open(await plane.connect(), 'webhook_endpoints', { log: testLog });
  await bucket.whenReady();
  expect([bucket.state, [...bucket.entries()]]).toEqual([{ ready: true }, []]);
  bucket.close();
});

it('notes the creation times for the apps, and changes nothing when run again', async () => {
  const before = readFileSync(plane.worldsFile, 'utf8');
  expect(Object.keys((JSON.parse(before) as { streams: object }).streams)).toContain('KV_webhook_leases');
  expect((await plane.provision()).actions).toEqual([]);
  expect(readFileSync(plane.worldsFile, 'utf8')).toBe(before);
});
