import { deliveryHeaders, deliveryId, header, type DeliveryMeta } from '@spillway/contracts';
import { Publisher } from '@spillway/jetstream';
import { eventually, startReceiver, type Receiver } from '@spillway/testing';
import { subject } from '@spillway/topology';
import { startRunningPlane } from '../test/running-plane.ts';

let running: Awaited<ReturnType<typeof startRunningPlane>>;
let receiver: Receiver;
beforeAll(async () => {
  running = await startRunningPlane(['dedupe', 'dispatcher']);
  receiver = await startReceiver(() => 200);
}, 120_000);
afterAll(async () => {
  await running.stop();
  await receiver.stop();
}, 60_000);

const json = <T>(args: readonly string[]): Promise<T> => running.json<T>(args);

/** As a dispatcher gives one up. */
const die = async (endpointId: string, n: number): Promise<string> => {
  const eventId = `evt_${String(n).padStart(20, '0')}`;
  // long ago: by this time it would be too old for any attempt
  const meta: DeliveryMeta = { eventId, tenant: 'acme', type: 'invoice.paid', source: '/tenants/acme', acceptedAt: '2026-01-01T00:00:00.000Z', endpointId, attempt: 10, reason: 'exhausted' };
  await new Publisher(running.plane.broker, 'WEBHOOK_DEAD').publish(subject.dead.endpoint('acme'), [...deliveryHeaders(meta), [header.messageId, `TEST@t0:${n}`]], Buffer.from(`{"n":${n}}`));
  return deliveryId(eventId, endpointId);
};

it('lists, shows and replays: one by its id, the rest by tenant, each under the id of its event', async () => {
  const { id: endpoint } = await json<{ id: string }>(['endpoints', 'create', receiver.url, '-t', 'acme']);
  const ids = await Promise.all(Array.from({ length: 12 }, (_, n) => die(endpoint, n)));
  const { out } = await running.run(['dead', 'list', '-t', 'acme', '--limit', '5']);
  expect(out).toMatch(/^ID +GIVEN UP +REASON[^]*exhausted[^]*more: --cursor \S+\n$/);
  const { items } = await json<{ items: { id: string; attempts: number }[] }>(['dead', 'list', '-e', endpoint]);
  expect(new Set(items.map(({ id }) => id))).toEqual(new Set(ids));
  expect((await json<{ body: string }>(['dead', 'show', ids[3] as string])).body).toBe('{"n":3}');
  await json(['dead', 'replay', ids[3] as string]);
  await eventually(() => expect(receiver.requests.map(({ headers }) => headers['webhook-id'])).toEqual(['evt_00000000000000000003']), 60_000);
  const { job } = await json<{ job: string }>(['dead', 'replay', '-t', 'acme']);
  await eventually(() => expect(receiver.requests).toHaveLength(12), 60_000);
  expect(new Set(receiver.requests.map(({ body }) => body.toString())).size).toBe(12);
  await eventually(async () => expect((await running.run(['dead', 'job', job])).out).toBe(`${job}: done; 11 replayed, 0 skipped of 11 meant, 11 looked at\n`));
  expect((await json<{ items: unknown[] }>(['dead', 'list'])).items).toEqual([]);
}, 180_000);

it('replays everything only when it is told to', async () => {
  for (const args of [['dead', 'replay'], ['dead', 'replay', 'dlv_x', '--all'], ['dead', 'replay', '--all', '-t', 'acme']]) expect([args, (await running.run(args)).code]).toEqual([args, 2]);
  const unknown = await running.run(['dead', 'show', 'dlv_unknown']);
  expect([unknown.code, unknown.err]).toEqual([1, expect.stringContaining('no dead letter')]);
});
