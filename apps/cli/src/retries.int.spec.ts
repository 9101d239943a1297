import { deliveryHeaders, header, type DeliveryMeta } from '@spillway/contracts';
import { Publisher } from '@spillway/jetstream';
import { eventually, startReceiver, type Receiver } from '@spillway/testing';
import { shardOf, subject } from '@spillway/topology';
import { startRunningPlane } from '../test/running-plane.ts';

let running: Awaited<ReturnType<typeof startRunningPlane>>;
let receiver: Receiver;
let endpoint: string;
let calendar: Publisher;
beforeAll(async () => {
  running = await startRunningPlane(['retrier']);
  receiver = await startReceiver(() => 200);
  calendar = new Publisher(running.plane.broker, 'WEBHOOK_RETRY');
  endpoint = (await json<{ id: string }>(['endpoints', 'create', receiver.url, '-t', 'acme'])).id;
}, 120_000);
afterAll(async () => {
  await running.stop();
  await receiver.stop();
}, 60_000);

const json = <T>(args: readonly string[]): Promise<T> => running.json<T>(args);
const text = async (...args: string[]): Promise<string> => {
  const { code, out, err } = await running.run(args);
  expect([args, code, err]).toEqual([args, 0, '']);
  return out;
};

let made = 0;
/** As a dispatcher would, after a failure. */
const owe = async (dueInMs: number): Promise<void> => {
  const dueAt = new Date(Math.ceil((Date.now() + dueInMs) / 1_000) * 1_000);
  const eventId = `evt_${String((made += 1)).padStart(20, '0')}`;
  const meta: DeliveryMeta = { eventId, tenant: 'acme', type: 'invoice.paid', source: '/tenants/acme', acceptedAt: new Date().toISOString(), endpointId: endpoint, attempt: 2, dueAt: dueAt.toISOString() };
  await calendar.publish(subject.retryAt(shardOf(endpoint), dueAt), [...deliveryHeaders(meta), [header.messageId, `TEST@t0:${made}`]], Buffer.from('{}'));
};
const passed = (ms: number): Promise<void> => {
  const until = performance.now() + ms;
  return eventually(() => {
    if (performance.now() < until) throw new Error('not yet');
  }, ms + 20_000);
};

it('suspends retries that are due each second: none begins later than 2 s after the answer, and all come when they are resumed', async () => {
  const lastDueAt = performance.now() + 80 * 300;
  await Promise.all(Array.from({ length: 80 }, (_, n) => owe(n * 300)));
  await eventually(() => expect(receiver.requests.length).toBeGreaterThan(5));
  expect(await text('retries', 'suspend', '-t', 'acme')).toMatch(/^retries of acme: suspended since .* by admin\n$/);
  const answeredAt = Date.now();
  await passed(Math.max(9_000, lastDueAt + 4_000 - performance.now()));
  expect(receiver.requests.filter(({ at }) => at > answeredAt + 2_000)).toEqual([]);
  expect(await text('retries')).toMatch(/acme .*admin[^]*wait in the calendar/);
  const { suspended, waiting, overdue } = await json<{ suspended: object[]; waiting: number; overdue: number }>(['retries']);
  expect([suspended, waiting, overdue]).toEqual([[{ tenant: 'acme', by: 'admin', at: expect.any(String) as string }], 80 - receiver.requests.length, 80 - receiver.requests.length]);
  expect(waiting).toBeGreaterThan(0); // or there was nothing left to suspend
  expect(await text('retries', 'resume', '-t', 'acme')).toBe('retries of acme: neither suspended nor throttled\n');
  await eventually(() => expect(receiver.requests).toHaveLength(80), 60_000);
  expect(new Set(receiver.requests.map(({ headers }) => headers['webhook-id'])).size).toBe(80);
}, 180_000);

it('throttles an endpoint, and lifts it', async () => {
  expect(await json(['retries', 'throttle', '-e', endpoint, '--per-second', '2'])).toMatchObject({ tenant: 'acme', endpoint, throttled: { perSecond: 2 } });
  const before = receiver.requests.length;
  // at that pace three minutes' worth
  await Promise.all(Array.from({ length: 360 }, () => owe(-1_000)));
  await eventually(() => expect(receiver.requests.length).toBeGreaterThanOrEqual(before + 12), 60_000);
  const times = receiver.requests.slice(before, before + 12).map(({ at }) => at);
  // five seconds apart; twelve without a pace come at once. What comes late narrows it by as much
  expect(Math.max(...times) - Math.min(...times)).toBeGreaterThan(2_500);
  expect(await text('retries')).toContain('THROTTLED');
  expect(await json(['retries', 'throttle', '-e', endpoint, '--per-second', 'none'])).toEqual({ tenant: 'acme', endpoint });
  await eventually(() => expect(receiver.requests).toHaveLength(before + 360), 90_000);
}, 240_000);

it('says what was typed wrong, and what the console refused', async () => {
  for (const args of [['retries', 'throttle'], ['retries', 'throttle', '--per-second', 'fast'], ['retries', 'pause']]) expect([args, (await running.run(args)).code]).toEqual([args, 2]);
  const refused = await running.run(['retries', 'suspend', '-t', 'nobody']);
  expect([refused.code, refused.err]).toEqual([1, expect.stringContaining('no tenant nobody')]);
});
