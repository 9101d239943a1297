import { DEDUPE_INDEX_KEY, type DedupeIndexStatus } from '@spillway/contracts';
import { WatchedBucket } from '@spillway/jetstream';
import { startPlaneBroker, testLog, type PlaneBroker } from '@spillway/jetstream/testing';
import { eventually } from '@spillway/testing';
import { IndexStatus } from './index-status.ts';
import { JetStreamIndex } from './jetstream-index.ts';

const NEVER_MS = 3_600_000;

let plane: PlaneBroker;
let control: WatchedBucket;
beforeAll(async () => {
  plane = await startPlaneBroker();
  control = await WatchedBucket.open(plane.broker, 'webhook_control', { log: testLog });
});
afterAll(async () => {
  control.close();
  await plane.stop();
});

it('says what its index is as soon as it can see what was said before, not at the next comparison', async () => {
  const before: DedupeIndexStatus = { index: 'redis', state: 'ok', windowSeconds: 86_400, contentRules: true, at: '2026-01-01T00:00:00.000Z' };
  await control.put(DEDUPE_INDEX_KEY, JSON.stringify(before));
  const status = new IndexStatus(new JetStreamIndex(), control, testLog, NEVER_MS);
  await eventually(() => expect(JSON.parse(control.get(DEDUPE_INDEX_KEY)?.value ?? '{}')).toMatchObject({ index: 'jetstream', contentRules: false }));
  status.close();
});
