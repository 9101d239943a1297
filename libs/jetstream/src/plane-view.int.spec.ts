import { eventually } from '@spillway/testing';
import { MIB, subject } from '@spillway/topology';
import { viewPlane } from './plane-view.ts';
import { Publisher } from './publisher.ts';
import { startPlaneBroker, type PlaneBroker } from './testing/index.ts';

let plane: PlaneBroker;
beforeEach(async () => {
  plane = await startPlaneBroker();
});
afterEach(() => plane.stop());

const inMs = (ms: number): Date => new Date(Date.now() + ms);
const publish = (stream: 'WEBHOOK_INGEST' | 'WEBHOOK_RETRY' | 'WEBHOOK_PARKED', to: string) => new Publisher(plane.broker, stream).publish(to, [], Buffer.from('{}'));

it('shows an empty plane as empty', async () => {
  const { streams, consumers, queues, missing } = await viewPlane(plane.broker);
  expect(streams).toHaveLength(10);
  expect(streams.find(({ name }) => name === 'WEBHOOK_DEAD')).toEqual({ name: 'WEBHOOK_DEAD', messages: 0, bytes: 0, maxBytes: 64 * MIB, maxMessagesPerSubject: 100_000, subjects: 0, oldestMs: null, created: expect.stringMatching(/^20/), overrides: {} });
  expect(consumers.find(({ name }) => name === 'dispatcher-fresh-7')).toEqual({ stream: 'WEBHOOK_DELIVERY', name: 'dispatcher-fresh-7', pending: 0, inFlight: 0, maxInFlight: 2_048, oldestMs: null, paused: false });
  expect(queues.find(({ name }) => name === 'calendar')).toEqual({ stream: 'WEBHOOK_RETRY', name: 'calendar', waiting: 0, subjects: 0, lateMs: null });
  expect(missing).toEqual([]);
});

it('counts what is in flight as waiting: its age is that of the oldest unsettled message', async () => {
  for (let i = 0; i < 3; i += 1) await publish('WEBHOOK_INGEST', 'webhook.ingest.fresh.acme');
  const box = plane.broker.nc.subscribe('box');
  plane.broker.nc.publish('$JS.API.CONSUMER.MSG.NEXT.WEBHOOK_INGEST.dedupe-fresh', '{"batch":3,"expires":1000000000}', { reply: 'box' });
  for await (const message of box) {
    if (message.subject.startsWith('webhook.ingest')) message.respond('+ACK');
    break;
  }
  await plane.broker.nc.flush();
  const dedupe = await eventually(async () => {
    const seen = (await viewPlane(plane.broker)).consumers.find(({ name }) => name === 'dedupe-fresh');
    expect(seen).toMatchObject({ pending: 0, inFlight: 2 });
    return seen;
  });
  expect(dedupe?.oldestMs).toBeGreaterThanOrEqual(0);
});

it('says how late the calendar is, and counts no retry late that is not due', async () => {
  await publish('WEBHOOK_RETRY', subject.retryAt(3, inMs(3_600_000)));
  expect((await viewPlane(plane.broker)).queues.find(({ name }) => name === 'calendar')).toMatchObject({ waiting: 1, subjects: 1, lateMs: null });
  await publish('WEBHOOK_RETRY', subject.retryAt(5, inMs(-60_000)));
  await publish('WEBHOOK_RETRY', subject.retryAt(5, inMs(-30_000)));
  const calendar = (await viewPlane(plane.broker)).queues.find(({ name }) => name === 'calendar');
  expect(calendar).toMatchObject({ waiting: 3, subjects: 3 });
  expect(calendar?.lateMs).toBeGreaterThan(55_000);
});

it('says how long the oldest parked delivery lies', async () => {
  await publish('WEBHOOK_PARKED', subject.parked('first', 2, 'ep_a'));
  const parked = (await viewPlane(plane.broker)).queues.find(({ name }) => name === 'parked-first');
  expect(parked).toMatchObject({ waiting: 1, subjects: 1 });
  expect(parked?.lateMs).toBeGreaterThanOrEqual(0);
});

it('names what is missing', async () => {
  await plane.broker.api('STREAM.DELETE.WEBHOOK_RETRY');
  const { missing, queues } = await viewPlane(plane.broker);
  expect(missing).toEqual(['WEBHOOK_RETRY']);
  expect(queues.map(({ name }) => name)).not.toContain('calendar');
});
