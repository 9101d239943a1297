import { answerTo, askAll } from './ask.ts';
import { startPlaneBroker, type PlaneBroker } from './testing/index.ts';

let plane: PlaneBroker;
beforeAll(async () => {
  plane = await startPlaneBroker();
});
afterAll(() => plane.stop());

const ask = (question: unknown, want: number, timeoutMs = 20_000): Promise<unknown[]> => askAll(plane.broker, 'webhook.ask.learnt.3', question, { want, timeoutMs });

it('brings every answer that can come, from whom it concerns, and does not wait longer', async () => {
  const [first, second, silent] = [await plane.connect(), await plane.connect(), await plane.connect()];
  const stops = [
    answerTo(first, 'webhook.ask.learnt.*', (of, question) => ({ by: 'first', of, question })),
    answerTo(second, 'webhook.ask.learnt.3', () => ({ by: 'second' })),
    answerTo(silent, 'webhook.ask.learnt.*', () => undefined),
  ];
  for (const broker of [first, second, silent]) await broker.nc.flush();
  const startedAt = performance.now();
  expect(await ask(['ep_1'], 2)).toEqual(expect.arrayContaining([{ by: 'first', of: 'webhook.ask.learnt.3', question: ['ep_1'] }, { by: 'second' }]));
  expect(performance.now() - startedAt).toBeLessThan(10_000);
  // one is away: what came is the answer
  expect(await ask([], 3, 3_000)).toHaveLength(2);
  for (const stop of stops) stop();
  // whoever asks next must not find them still listed
  for (const broker of [first, second, silent]) await broker.nc.flush();
});

it('waits for nobody where nobody listens, or is expected to', async () => {
  const startedAt = performance.now();
  expect([await ask([], 2), await ask([], 0)]).toEqual([[], []]);
  expect(performance.now() - startedAt).toBeLessThan(10_000);
});

it('is not disturbed by a question or an answer that is no JSON', async () => {
  const [owner, stranger] = [await plane.connect(), await plane.connect()];
  const stop = answerTo(owner, 'webhook.ask.learnt.*', () => 'known');
  stranger.nc.subscribe('webhook.ask.learnt.3', { callback: (_error, message) => void message.respond('{') });
  for (const broker of [owner, stranger]) await broker.nc.flush();
  stranger.nc.publish('webhook.ask.learnt.3', '{');
  await stranger.nc.flush();
  expect(await ask([], 2, 3_000)).toEqual(['known']);
  expect(await ask([], 1)).toEqual(['known']);
  stop();
  await owner.nc.flush();
});
