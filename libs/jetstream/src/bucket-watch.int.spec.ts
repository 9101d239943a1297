import { setImmediate as turn } from 'node:timers/promises';
import { eventually } from '@spillway/testing';
import { Broker } from './broker.ts';
import { watchBucket, type BucketWatch } from './bucket-watch.ts';
import { startPlaneBroker, testLog, type PlaneBroker } from './testing/index.ts';

/** The answer to a watch that is being opened has to arrive together with the last flush: about every second round. */
const ROUNDS = 16;
const WATCHES = 4;
const BUSY_MS = 10;

let plane: PlaneBroker;
beforeAll(async () => {
  plane = await startPlaneBroker();
});
afterAll(() => plane.stop());

/** A machine with too much to do: what the server answers meanwhile is read in one piece. */
const standStill = (): void => {
  for (const until = performance.now() + BUSY_MS; performance.now() < until; );
};

const timers = (): number => process.getActiveResourcesInfo().filter((resource) => resource === 'Timeout').length;

const lookedAt = async ({ changes, stop }: BucketWatch): Promise<string[]> => {
  stop();
  const keys: string[] = [];
  for await (const { key } of changes) keys.push(key);
  return keys;
};

it('leaves nothing open when the connection is closed while a watch is being opened', async () => {
  const before = timers();
  const refusals: unknown[] = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    const broker = await Broker.connect({ servers: plane.url, name: 'closed at once', log: testLog });
    const opening = Array.from({ length: WATCHES }, () => watchBucket(broker, 'webhook_control', 0).then(lookedAt));
    for (let turns = 0; turns < round; turns += 1) await turn();
    const closing = broker.close();
    await Promise.resolve();
    standStill();
    await closing;
    for (const { status, ...how } of await Promise.allSettled(opening)) if (status === 'rejected') refusals.push('reason' in how && how.reason);
  }
  expect(refusals).not.toHaveLength(0);
  await eventually(() => expect(timers() - before).toBe(0));
});
