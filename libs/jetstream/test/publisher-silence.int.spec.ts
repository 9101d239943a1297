import { Publisher } from '../src/publisher.ts';
import { startPlaneBroker, type PlaneBroker } from '../src/testing/index.ts';

const TIMEOUT_MS = 500;
const SHARE = 5;

let plane: PlaneBroker;
beforeAll(async () => {
  plane = await startPlaneBroker({ limits: { maxMessagesPerSubject: { WEBHOOK_INGEST: SHARE } } });
});
afterAll(async () => {
  plane.server.thaw();
  await plane.stop();
});

it('keeps nobody waiting for the parts before his own, when the broker falls silent while a refused group is sent again in parts', async () => {
  const publisher = new Publisher(plane.broker, 'WEBHOOK_INGEST', { timeoutMs: TIMEOUT_MS });
  const publish = (tenant: string, by = publisher) => by.publish(`webhook.ingest.fresh.${tenant}`, [], Buffer.from('{}'));
  // by one that has more patience: this is not what is tested
  const filler = new Publisher(plane.broker, 'WEBHOOK_INGEST');
  await Promise.all(Array.from({ length: SHARE }, () => publish('greedy', filler)));
  const startedAt = performance.now();
  const took: number[] = [];
  const one = async (tenant: string): Promise<string> => {
    const outcome = await publish(tenant).then(
      () => 'stored',
      (error: { code: string }) => error.code,
    );
    if (took.length === 0) plane.server.freeze(); // the first part was answered, thirty are to come
    took.push(performance.now() - startedAt);
    return outcome;
  };
  const outcomes = await Promise.all([...Array.from({ length: 300 }, (_, i) => one(`tenant${i}`)), one('greedy')]);
  expect(outcomes.filter((outcome) => outcome !== 'stored').length).toBeGreaterThan(100);
  // one timeout for the group before, one for its own: a second. If each of the thirty parts had one after the other, 15 s
  expect(Math.max(...took)).toBeLessThan(24 * TIMEOUT_MS);
});
