import { setTimeout as after } from 'node:timers/promises';
import { Books, eventually, sendUntilAnswered, startReceiver, type Receiver, type ToSend } from '@spillway/testing';
import { onPlaneInView } from '../broker-view.ts';

const EVENTS = 5_000;
const CAP = 5;
const ANSWERS_AFTER_MS = 50;
/** 5,000 × 50 ms ÷ 5 is 50 s at the full cap; of that cap a quarter, at least 1, is the retriers': 4 are the dispatchers', 63 s. */
const ALL_WITHIN_MS = 180_000;
const NEIGHBOURS_PER_SECOND = 20;
const STARTS_WITHIN_MS = 1_000;

const events = Array.from({ length: EVENTS }, (_, i): ToSend => ({ id: `slow-${i}`, tenant: 'cap', type: 'slow', data: String(i) }));

let slow: Receiver;
let quick: Receiver;
beforeEach(async () => {
  [slow, quick] = await Promise.all([startReceiver(), startReceiver()]);
});
afterEach(() => Promise.all([slow.stop(), quick.stop()]));

it('never has more at an endpoint than it may, over two dispatchers, and its neighbour never waits', async () => {
  const books = new Books(() => ['slow']);
  const neighbours = new Books(() => ['quick']);
  /** When each of the neighbour's was accepted, and when its first attempt began, epoch ms. */
  const [acceptedAt, beganAt] = [new Map<number, number>(), new Map<number, number>()];
  slow.handler = async (request) => {
    books.arrived(request);
    await after(ANSWERS_AFTER_MS);
    return 200;
  };
  const startedAfterMs = (): number[] => [...acceptedAt].map(([n, at]) => (beganAt.get(n) ?? Infinity) - at);
  quick.handler = (request) => {
    neighbours.arrived(request);
    beganAt.set((JSON.parse(request.body.toString()) as { data: number }).data, request.at);
    return 200;
  };
  await onPlaneInView({ apps: { dispatcher: 2 } }, async (plane, view) => {
    await plane.createEndpoint('cap', { url: `${slow.url}/slow`, types: ['slow'], maxInFlight: CAP });
    await plane.createEndpoint('cap', { url: `${quick.url}/quick`, types: ['quick'] });
    const { url } = plane.app('ingest');
    const producer = { url, key: plane.adminKey };
    const all = new AbortController();
    const neighbour = async (): Promise<void> => {
      for (let i = 0; !all.signal.aborted; i += 1) {
        await sendUntilAnswered({ ...producer, events: [{ id: `quick-${i}`, tenant: 'cap', type: 'quick', data: String(i) }], connections: 1, onTried: neighbours.tried });
        acceptedAt.set(i, Date.now());
        await after(1_000 / NEIGHBOURS_PER_SECOND);
      }
    };
    const beside = neighbour();
    try {
      await sendUntilAnswered({ ...producer, events, onTried: books.tried });
      await eventually(() => expect(books.arrivedCount).toBeGreaterThanOrEqual(EVENTS), ALL_WITHIN_MS);
    } finally {
      all.abort();
      await beside;
    }
    await view.settled();
    process.stdout.write(`${books.print('the capped endpoint')}\n  at most ${slow.mostInFlight} at once\n${neighbours.print('its neighbour')}\n  slowest start after ${Math.max(...startedAfterMs())} ms\n`);
  });
  expect(slow.mostInFlight).toBeLessThanOrEqual(CAP);
  expect(slow.mostInFlight).toBeGreaterThan(1);
  expect(books.totals()).toMatchObject({ acknowledged: EVENTS, delivered: EVENTS, lost: 0, duplicates: 0, strange: 0 });
  expect(neighbours.totals()).toMatchObject({ lost: 0, duplicates: 0 });
  expect(beganAt.size).toBeGreaterThan(100);
  expect(Math.max(...startedAfterMs())).toBeLessThan(STARTS_WITHIN_MS);
});
