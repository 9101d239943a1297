import type { Outgoing, PubAck } from '@spillway/jetstream';
import { everythingIn, startPlaneBroker, type PlaneBroker } from '@spillway/jetstream/testing';
import { subject, type IngestLane } from '@spillway/topology';
import { IngestStore } from './ingest-store.ts';

const LANES: readonly IngestLane[] = ['fresh', 'bulk', 'bulk', 'ordered'];

let plane: PlaneBroker;
beforeEach(async () => {
  plane = await startPlaneBroker();
});
afterEach(() => plane.stop());

const open = (): IngestStore => new IngestStore(plane.broker, { timeoutMs: 60_000, maxWaiting: 10_000, maxWaitingBytes: 64 * 2 ** 20 });
const event = (lane: IngestLane, n: number, bytes = 10): Outgoing => ({ subject: subject.ingest(lane, 'acme'), headers: [['ce-id', String(n)]], data: Buffer.alloc(bytes, 'x') });
const kept = async (): Promise<{ id: number; lane: string }[]> =>
  (await everythingIn(plane.broker, 'WEBHOOK_INGEST')).map(({ subject: of, headers }) => ({ id: Number(headers.get('ce-id')), lane: of.split('.')[2] as string }));

it('stores each in its lane, in order, and tells each where it stands', async () => {
  const store = open();
  const events = Array.from({ length: 400 }, (_, n) => event(LANES[n % LANES.length] as IngestLane, n));
  const acks = (await store.publishEach(events)) as PubAck[];
  const stored = await kept();
  for (const lane of LANES) expect(stored.filter((one) => one.lane === lane).map(({ id }) => id)).toEqual(events.flatMap((_, n) => (LANES[n % LANES.length] === lane ? [n] : [])));
  // what is said of each is where it is found
  const said = acks.map(({ seq, place = 0 }, n) => ({ n, at: seq * 1_000 + place })).toSorted((a, b) => a.at - b.at);
  expect(stored.map(({ id }) => id)).toEqual(said.map(({ n }) => n));
  expect([store.waiting, store.perMessage.fresh > 1, store.perMessage.bulk > 1]).toEqual([0, true, true]);
});

it('stores what is fresh although megabytes of bulk are before it, and little of that at once', async () => {
  const store = open();
  const bulk = store.publishEach(Array.from({ length: 40 }, (_, n) => event('bulk', n, 250 * 1_024)));
  await store.publish(event('fresh', 40));
  // two groups of bulk are under way at once
  expect((await kept()).findIndex(({ lane }) => lane === 'fresh')).toBeLessThanOrEqual(2);
  expect((await bulk).filter((outcome) => outcome instanceof Error)).toEqual([]);
});
