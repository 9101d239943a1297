import { subject } from '@spillway/topology';
import { Publisher } from './publisher.ts';
import { Remover, type UpTo } from './purge.ts';
import { startPlaneBroker, type PlaneBroker } from './testing/index.ts';

const STREAM = 'WEBHOOK_PARKED';
const of = (endpoint: string): string => subject.parked('first', 1, endpoint);

let plane: PlaneBroker;
let remover: Remover;
beforeAll(async () => {
  plane = await startPlaneBroker();
  remover = Remover.of(plane.broker);
});
afterAll(() => plane.stop());
afterEach(() => plane.broker.api(`STREAM.PURGE.${STREAM}`));

const park = async (endpoint: string, count: number): Promise<number[]> => {
  const publisher = new Publisher(plane.broker, STREAM);
  const sequences: number[] = [];
  for (let n = 0; n < count; n += 1) sequences.push((await publisher.publish(of(endpoint), [], Buffer.from('{}'))).seq);
  return sequences;
};
const stored = async (): Promise<number> => (await plane.broker.api<{ state: { messages: number } }>(`STREAM.INFO.${STREAM}`)).state.messages;

it('removes a subject’s messages below a sequence, and nothing else', async () => {
  const sequences = await park('ep_a', 4);
  await park('ep_b', 2);
  expect(await remover.purge(STREAM, { filter: of('ep_a'), seq: sequences[3] as number })).toBe(3);
  expect(await stored()).toBe(3);
});

it.each([
  ['no filter', { seq: 5 }],
  ['an undefined filter', { filter: undefined, seq: 5 }],
  ['an empty filter', { filter: '', seq: 5 }],
  ['no sequence', { filter: 'webhook.parked.first.1.ep_a' }],
  ['sequence 0, which the server takes for none', { filter: 'webhook.parked.first.1.ep_a', seq: 0 }],
  ['a sequence that is no number', { filter: 'webhook.parked.first.1.ep_a', seq: Number.NaN }],
])('refuses a purge with %s, which would remove everything', async (_what, request) => {
  await park('ep_a', 3);
  await park('ep_b', 3);
  await expect(remover.purge(STREAM, request as UpTo)).rejects.toThrow(TypeError);
  expect(await stored()).toBe(6);
});

it('would lose all subjects without that guard: the server really does this', async () => {
  await park('ep_a', 3);
  await park('ep_b', 3);
  await plane.broker.api(`STREAM.PURGE.${STREAM}`, { filter: undefined });
  expect(await stored()).toBe(0);
  const [first] = await park('ep_c', 3);
  await plane.broker.api(`STREAM.PURGE.${STREAM}`, { filter: of('ep_c'), seq: 0 });
  expect([typeof first, await stored()]).toEqual(['number', 0]);
});

it('removes a single message, and does not mind when it is gone', async () => {
  const [, second] = await park('ep_a', 3);
  await remover.remove(STREAM, second as number);
  await remover.remove(STREAM, second as number);
  await remover.remove(STREAM, 999_999);
  expect(await stored()).toBe(2);
});

it('has at most eight requests under way, and gets through all of them', async () => {
  const sequences = await park('ep_a', 40);
  let most = 0;
  const { broker } = plane;
  const before = broker.replies.size;
  const removals = sequences.map((sequence) => remover.remove(STREAM, sequence).finally(() => (most = Math.max(most, broker.replies.size - before))));
  most = Math.max(most, broker.replies.size - before);
  await Promise.all(removals);
  expect([most, await stored()]).toEqual([8, 0]);
});

it('goes on after a refusal', async () => {
  await Promise.all(Array.from({ length: 20 }, () => expect(remover.purge('NO_SUCH_STREAM', { filter: 'a', seq: 1 })).rejects.toThrow('stream not found')));
  const [first] = await park('ep_a', 1);
  await remover.remove(STREAM, first as number);
  expect(await stored()).toBe(0);
});
