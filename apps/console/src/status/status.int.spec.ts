import { DEDUPE_INDEX_KEY } from '@spillway/contracts';
import { Publisher } from '@spillway/jetstream';
import { managedNames, subject } from '@spillway/topology';
import { eventually } from '@spillway/testing';
import { startConsoleAndBroker, type RunningConsole } from '../../test/running-console.ts';
import type { StatusView } from './status.controller.ts';

let running: RunningConsole;
beforeAll(async () => {
  running = await startConsoleAndBroker();
});
afterAll(() => running.stop());

const status = async (): Promise<StatusView> => (await running.call('GET', '/v1/status')).body as unknown as StatusView;
const publish = (stream: 'WEBHOOK_INGEST' | 'WEBHOOK_RETRY' | 'WEBHOOK_PARKED' | 'WEBHOOK_DELIVERY', to: string) => new Publisher(running.plane.broker, stream).publish(to, [], Buffer.from('{}'));
const dedupeSays = (said: string): void => running.plane.broker.nc.publish(`$KV.webhook_control.${DEDUPE_INDEX_KEY}`, said);

it('shows every stream of the catalogue, every durable, queue and lane of an empty plane', async () => {
  const { streams, consumers, queues, lanes, missing } = await status();
  expect(streams.map(({ name }) => name).toSorted()).toEqual([...managedNames].toSorted());
  expect(streams.every(({ maxBytes }) => maxBytes > 0)).toBe(true);
  expect(consumers.filter(({ name }) => name.startsWith('dispatcher-fresh-'))).toHaveLength(8);
  expect(consumers.find(({ name }) => name === 'dedupe-fresh')).toEqual({ stream: 'WEBHOOK_INGEST', name: 'dedupe-fresh', pending: 0, inFlight: 0, maxInFlight: 5_000 });
  expect(queues).toContainEqual({ stream: 'WEBHOOK_RETRY', name: 'calendar', waiting: 0, lateMs: 0, owners: [] });
  expect(lanes).toContainEqual({ name: 'fresh', waiting: 0, oldestMs: null });
  expect(missing).toEqual([]);
});

it('counts what waits, by where it waits, and says since when', async () => {
  await publish('WEBHOOK_INGEST', subject.ingest('fresh', 'acme'));
  await publish('WEBHOOK_DELIVERY', subject.delivery('fresh', 3));
  await publish('WEBHOOK_RETRY', subject.retryAt(2, new Date(Date.now() - 60_000)));
  await publish('WEBHOOK_RETRY', subject.retryAt(2, new Date(Date.now() + 60_000)));
  await publish('WEBHOOK_PARKED', subject.parked('first', 1, 'ep_12345678'));
  await running.plane.broker.nc.flush();
  await eventually(async () => {
    const { lanes, queues, consumers } = await status();
    expect(lanes.find(({ name }) => name === 'fresh')).toMatchObject({ waiting: 2, oldestMs: expect.any(Number) as number });
    expect(consumers.find(({ name }) => name === 'dispatcher-fresh-3')).toMatchObject({ pending: 1 });
    const calendar = queues.find(({ name }) => name === 'calendar');
    expect(calendar?.waiting).toBe(2);
    expect(calendar?.lateMs).toBeGreaterThanOrEqual(59_000);
    expect(queues.find(({ name }) => name === 'parked-first')).toMatchObject({ waiting: 1 });
  });
});

it('names who works a shard while the lease is renewed', async () => {
  await running.plane.broker.api('STREAM.INFO.KV_webhook_leases');
  running.plane.broker.nc.publish('$KV.webhook_leases.dispatcher.4', JSON.stringify({ holder: 'host-1' }));
  await eventually(async () => expect((await status()).queues.find(({ name }) => name === 'parked-first')?.owners).toEqual([{ shard: 4, owner: 'host-1' }]));
  await eventually(async () => expect((await status()).queues.find(({ name }) => name === 'parked-first')?.owners).toEqual([]));
});

it('says which index dedupe goes by, how it is, and how long it remembers', async () => {
  expect((await status()).dedupe).toBeNull(); // no dedupe has ever run
  const embedded = { index: 'jetstream', state: 'ok', windowSeconds: 120, contentRules: false, at: '2026-01-01T00:00:00.000Z' };
  dedupeSays(JSON.stringify(embedded));
  await eventually(async () => expect((await status()).dedupe).toEqual(embedded));
  const degraded = { index: 'redis', state: 'degraded', why: 'away', windowSeconds: 86_400, contentRules: true, at: '2026-01-01T00:00:01.000Z' };
  dedupeSays(JSON.stringify(degraded));
  await eventually(async () => expect((await status()).dedupe).toEqual(degraded));
  // what cannot be read is no reason to show nothing
  dedupeSays('{');
  await eventually(async () => expect(await status()).toMatchObject({ dedupe: null, missing: [] }));
});

it('names a stream that the server lost', async () => {
  await running.plane.broker.api('STREAM.DELETE.WEBHOOK_DEAD');
  await eventually(async () => expect((await status()).missing).toEqual(['WEBHOOK_DEAD']));
});

it('shows a page to everybody, with nothing on it that is anybody’s', async () => {
  const { status: code, headers, body } = await running.call('GET', '/', { key: undefined });
  expect([code, headers.get('content-type')]).toEqual([200, 'text/html; charset=utf-8']);
  expect(body['text']).toContain('endpoints: ready');
});
