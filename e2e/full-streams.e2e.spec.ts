import { readFileSync } from 'node:fs';
import { Books, eventually, onPlane, sendUntilAnswered, startReceiver, type Answered, type Plane, type PlaneProcess, type Receiver, type ToSend } from '@spillway/testing';
import { onPlaneInView, type BrokerView } from './broker-view.ts';

/** Five tenants: each alone stops at its share, a half of the bytes; together they fill the stream. */
const TENANTS = ['a', 'b', 'c', 'd', 'e'] as const;
const SMALL = '4MiB';
const EVENT_BYTES = 4_096;
const eventsNamed = (name: string, count: number, bytes = EVENT_BYTES): ToSend[] =>
  Array.from({ length: count }, (_, i) => ({ id: `${name}-${i}`, tenant: TENANTS[i % TENANTS.length] as string, type: 'full', data: `"${'x'.repeat(bytes)}"` }));

let receiver: Receiver;
let books: Books;
beforeEach(async () => {
  books = new Books(({ tenant }) => [tenant]);
  receiver = await startReceiver((request) => {
    books.arrived(request);
    return 200;
  });
});
afterEach(() => receiver.stop());

const createEndpoints = async (plane: Plane): Promise<void> => {
  for (const tenant of TENANTS) await plane.createEndpoint(tenant, { url: `${receiver.url}/${tenant}` });
};

const producer = (plane: Plane) => ({ url: plane.app('ingest').url, key: plane.adminKey, onTried: books.tried });

const isTold = ({ status, headers, body }: Answered): boolean => {
  if (status === 202) return true;
  expect([429, 503]).toContain(status);
  expect(Number(headers['retry-after'])).toBeGreaterThan(0);
  expect(headers['content-type']).toContain('application/problem+json');
  const { code } = JSON.parse(body) as { code: string };
  refusals.add(code);
  return true;
};
const refusals = new Set<string>();
beforeEach(() => refusals.clear());

const everythingArrives = async (view: BrokerView): Promise<void> => {
  try {
    await eventually(() => {
      const { length } = books.missing();
      if (length > 0) throw new Error(`${length} accepted events have not arrived`);
    }, 60_000);
    await view.settled();
  } finally {
    process.stdout.write(`${books.print(expect.getState().currentTestName ?? '')}\n`);
  }
  expect(books.totals()).toMatchObject({ lost: 0, duplicates: 0, strange: 0 });
};

it('tells producers when INGEST is full, and loses nothing that it accepted', async () => {
  await onPlaneInView({ limits: { SPILLWAY_MAX_BYTES_INGEST: SMALL }, apps: { dedupe: 0 } }, async (plane, view) => {
    await createEndpoints(plane);
    await sendUntilAnswered({ ...producer(plane), events: eventsNamed('filling', 2_000), content: isTold });
    expect(refusals).toContain('ingest_full');
    expect(books.acknowledgedCount).toBeGreaterThan(500); // 4 MiB of 4 KiB
    await plane.add('dedupe');
    await everythingArrives(view);
    await sendUntilAnswered({ ...producer(plane), events: eventsNamed('after', 500) });
    await everythingArrives(view);
  });
});

const saidOfDelivery = async (plane: Plane): Promise<Record<string, unknown>> => {
  const { status, body } = await plane.app('dedupe').readiness();
  const { delivery, bulk } = (JSON.parse(body) as { checks: { delivery: { detail: { isFull: boolean } }; bulk: { detail: { moving: boolean } } } }).checks;
  const { body: metrics } = await plane.ask('GET', `${plane.app('dedupe').url}/metrics`);
  const valueOf = (name: string): number => Number(metrics.split('\n').find((line) => line.startsWith(name))?.split(' ').at(-1));
  const [waiting, refused] = [valueOf('spillway_deliveries_waiting_for_room '), valueOf('spillway_deliveries_refused_total{stream="WEBHOOK_DELIVERY"}')];
  return { status, isFull: delivery.detail.isFull, isWaiting: waiting > 0, isRefused: refused > 0, isBulkMoving: bulk.detail.moving };
};

it('flows again by itself when DELIVERY was full', async () => {
  // all of it fresh: bulk would stop at 60 % of DELIVERY
  const env = { ingest: { SPILLWAY_CROWDED_EVENTS: '0' } };
  await onPlaneInView({ env, limits: { SPILLWAY_MAX_BYTES_DELIVERY: SMALL, SPILLWAY_MAX_BYTES_INGEST: SMALL }, apps: { dispatcher: 0 } }, async (plane, view) => {
    await createEndpoints(plane);
    await sendUntilAnswered({ ...producer(plane), events: eventsNamed('filling', 4_000), content: isTold });
    expect(refusals).toContain('ingest_full'); // first DELIVERY was full, then INGEST behind it
    // whoever looks at dedupe hears which stream it is, and that no restart is called for
    await eventually(async () => expect(await saidOfDelivery(plane)).toEqual({ status: 200, isFull: true, isWaiting: true, isRefused: true, isBulkMoving: false }), 30_000);
    await plane.add('dispatcher');
    await everythingArrives(view);
    await eventually(async () => expect(await saidOfDelivery(plane)).toEqual({ status: 200, isFull: false, isWaiting: false, isRefused: true, isBulkMoving: true }), 30_000);
    await sendUntilAnswered({ ...producer(plane), events: eventsNamed('after', 500) });
    await everythingArrives(view);
  });
});

const residentMiB = (app: PlaneProcess): number => Number(/VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${app.pid}/status`, 'utf8'))?.[1]) / 1_024;

it('accepts nothing, hangs nobody and hoards nothing while the broker is frozen, and then dead', async () => {
  await onPlane({}, async (plane) => {
    await createEndpoints(plane);
    await sendUntilAnswered({ ...producer(plane), events: eventsNamed('before', 1_000) });
    const before = residentMiB(plane.app('ingest'));
    const during = new Books(() => []);
    // 8,000 × 64 KiB in all: kept in memory they would be 500 MiB
    const flood = (name: string) =>
      sendUntilAnswered({ url: plane.app('ingest').url, key: plane.adminKey, events: eventsNamed(name, 4_000, 65_536), connections: 256, onTried: during.tried, content: isTold });
    plane.broker.freeze();
    await flood('frozen');
    await plane.broker.kill();
    await flood('dead');
    const after = residentMiB(plane.app('ingest'));
    process.stdout.write(`${during.print('the broker away')}\n  ingest: ${Math.round(before)} MiB before, ${Math.round(after)} MiB after\n`);
    expect(during.totals()).toMatchObject({ acknowledged: 0, requests: 8_000 });
    expect([...during.answers.keys()]).toEqual(['503']);
    expect(during.slowestMs).toBeLessThan(10_000);
    expect(after - before).toBeLessThan(200);
    await plane.broker.restart();
    await eventually(async () => expect((await plane.app('ingest').readiness()).status).toBe(200));
    await sendUntilAnswered({ ...producer(plane), events: eventsNamed('after', 1_000) });
  });
});
