import { Publisher } from '@spillway/jetstream';
import { startPlaneBroker, testLog, type PlaneBroker } from '@spillway/jetstream/testing';
import { eventually } from '@spillway/testing';
import { subject } from '@spillway/topology';
import { ParkedPurge } from './parked-purge.ts';

let plane: PlaneBroker;
let parked: Publisher;
beforeAll(async () => {
  plane = await startPlaneBroker({ limits: { maxBytes: { WEBHOOK_PARKED: 512 * 2 ** 20 } } });
  parked = new Publisher(plane.broker, 'WEBHOOK_PARKED', { maxWaiting: 20_000 });
});
afterAll(() => plane.stop());

const dead = subject.parked('first', 3, 'ep_deleted_00');
const neighbour = subject.parked('first', 3, 'ep_neighbour_');
const body = Buffer.alloc(200, 'x');
const put = async (count: number, every: number): Promise<void> => {
  for (let from = 0; from < count; from += 10_000) {
    const to = (n: number): string => (every > 0 && n % every === 0 ? neighbour : dead);
    await Promise.all(Array.from({ length: Math.min(10_000, count - from) }, (_, n) => parked.publish(to(n), [], body)));
  }
};
const left = async (of: string): Promise<number> => {
  const { state } = await plane.broker.api<{ state: { subjects?: Record<string, number> | null } }>('STREAM.INFO.WEBHOOK_PARKED', { subjects_filter: of });
  return state.subjects?.[of] ?? 0;
};

it('removes 200,000 in slices and leaves the neighbour its own, while others go on publishing', async () => {
  await put(200_000, 100);
  const slices: number[] = [];
  const purging = recordPurges(plane, slices);
  const purge = new ParkedPurge(plane.broker, testLog);
  purge.purge(dead);
  purge.purge(dead);
  await eventually(async () => {
    await parked.publish(neighbour, [], body);
    expect(await left(dead)).toBe(0);
  }, 60_000);
  expect(await left(neighbour)).toBeGreaterThan(2_000);
  purging.stop();
  // a publish beside it waits for a slice, not for all of them
  expect(slices.length).toBeGreaterThanOrEqual(10);
  expect(Math.max(...slices)).toBeLessThanOrEqual(20_000);
  purge.close();
}, 180_000);

it('does it again for what came later, and not for a subject that was emptied just now', async () => {
  const purge = new ParkedPurge(plane.broker, testLog);
  await put(10, 0);
  purge.purge(dead);
  await eventually(async () => expect(await left(dead)).toBe(0));
  await put(5, 0);
  await eventually(async () => {
    purge.purge(dead);
    expect(await left(dead)).toBe(0);
  }, 60_000);
  purge.close();
}, 90_000);

/** What each purge removed, as the server answers it. */
const recordPurges = ({ broker }: PlaneBroker, slices: number[]): { stop: () => void } => {
  const api = broker.api.bind(broker);
  broker.api = async <T>(...request: Parameters<typeof broker.api>): Promise<T> => {
    const answer = await api<T & { purged?: number }>(...request);
    if (request[0].startsWith('STREAM.PURGE.')) slices.push(answer.purged ?? 0);
    return answer;
  };
  return { stop: () => (broker.api = api) };
};
