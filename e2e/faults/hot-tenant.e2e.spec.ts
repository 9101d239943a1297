import { Books, sendUntilAnswered, startReceiver, type Plane, type Receiver, type ToSend, type Tried } from '@spillway/testing';
import { onPlaneInView } from '../broker-view.ts';
import { HotTenant, type HotTenantBooks } from '../load/hot-tenant.ts';

/** Ten seconds of it. The neighbour has the same share of messages: at this pace ten seconds without a word of the broker would use it up. */
const EVENTS = 200;
const PER_SECOND = 20;
/** Targets: "another tenant’s p99 < 2 × its quiet figure". It is printed; the test decides by what was answered and what came. */
const HUNDREDFOLD = 100;

type Case = { what: string; dataBytes: number; shareMessages: number; maxBytes: string; connections: number; quota: number };
const cases: Case[] = [
  { what: '1 KiB', dataBytes: 1_000, shareMessages: 200, maxBytes: '64MiB', connections: 128, quota: 200 },
  // half of 16 MiB is 32 events of 256 KiB, long before its messages
  { what: '256 KiB', dataBytes: 255 * 1_024, shareMessages: 2_000, maxBytes: '16MiB', connections: 32, quota: 32 },
];

let receiver: Receiver;
beforeEach(async () => {
  receiver = await startReceiver();
});
afterEach(() => receiver.stop());

type Quiet = { books: Books; acceptedToReceivedMs: number[]; statuses: Record<string, number> };

/** A tenant that sends at its even pace, while `until` lasts or for all of its events. */
const neighbour = async (plane: Plane, name: string): Promise<Quiet> => {
  const books = new Books(() => ['neighbour']);
  const acceptedAt = new Map<string, number>();
  const receivedAt = new Map<string, number>();
  const statuses: Record<string, number> = {};
  receiver.handler = (request) => {
    books.arrived(request);
    receivedAt.set(String(request.headers['webhook-id']), request.at);
    return 200;
  };
  const onTried = (tried: Tried): void => {
    books.tried(tried);
    const how = String(tried.answer?.status ?? tried.error);
    statuses[how] = (statuses[how] ?? 0) + 1;
    if (tried.answer?.status === 202) acceptedAt.set((JSON.parse(tried.answer.body) as { id: string }).id, Date.now());
  };
  const events = Array.from({ length: EVENTS }, (_, i): ToSend => ({ id: `${name}-${i}`, tenant: 'neighbour', type: 'a', data: `{"n":${i},"pad":"${'x'.repeat(900)}"}` }));
  await sendUntilAnswered({ url: plane.app('ingest').url, key: plane.adminKey, events, connections: 16, ratePerSecond: PER_SECOND, onTried });
  const deadline = performance.now() + 60_000;
  while (books.missing().length > 0 && performance.now() < deadline) await new Promise((resolve) => setTimeout(resolve, 20));
  const acceptedToReceivedMs = [...acceptedAt].map(([id, at]) => Math.max(0, (receivedAt.get(id) ?? Number.POSITIVE_INFINITY) - at)).toSorted((a, b) => a - b);
  return { books, acceptedToReceivedMs, statuses };
};

const percentile = (sorted: readonly number[], share: number): number => sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? Number.NaN;

it.each(cases)('a tenant at a hundred times its share, with events of $what, is told so, and its neighbour does not notice', async ({ what, dataBytes, shareMessages, maxBytes, connections, quota }) => {
  const limits = { SPILLWAY_MAX_MESSAGES_TENANT: String(shareMessages), SPILLWAY_MAX_BYTES_INGEST: maxBytes };
  await onPlaneInView({ limits }, async (plane, view) => {
    await plane.createEndpoint('neighbour', { url: `${receiver.url}/neighbour` });
    const hot = new HotTenant({ url: plane.app('ingest').url, key: plane.adminKey, tenant: 'hot', dataBytes, requests: HUNDREDFOLD * quota, perSecond: (HUNDREDFOLD * quota * PER_SECOND) / EVENTS, connections });
    try {
      await plane.createEndpoint('hot', { url: await hot.receiver() });
      await neighbour(plane, 'warm');
      const quiet = await neighbour(plane, 'quiet');
      const sending = hot.sendAll();
      const loud = await neighbour(plane, 'loud');
      await sending;
      const hotBooks: HotTenantBooks = await hot.books();
      await view.settled();
      const [quietP99, loudP99] = [quiet, loud].map(({ acceptedToReceivedMs }) => percentile(acceptedToReceivedMs, 0.99)) as [number, number];
      process.stdout.write(
        `${what}: the hot tenant was answered ${JSON.stringify(hotBooks.answers)}; its neighbour’s accepted to received p99 ${quietP99} ms when quiet, ${loudP99} ms beside it (${(loudP99 / quietP99).toFixed(1)} ×), p50 ${percentile(quiet.acceptedToReceivedMs, 0.5)} and ${percentile(loud.acceptedToReceivedMs, 0.5)} ms\n`,
      );
      expect(Object.keys(hotBooks.answers).filter((answer) => !['202', '429', 'ECONNRESET', 'EPIPE'].includes(answer))).toEqual([]);
      expect(hotBooks.answers['429']).toBeGreaterThan(0);
      expect(hotBooks).toMatchObject({ withoutRetryAfter: 0, missing: 0, strange: 0 });
      expect(hotBooks.accepted).toBeGreaterThanOrEqual(quota); // it gets its share
      expect(loud.statuses).toEqual({ 202: EVENTS }); // not one 429, not one 503
      expect(loud.books.totals()).toMatchObject({ acknowledged: EVENTS, delivered: EVENTS, lost: 0, duplicates: 0, strange: 0 });
    } finally {
      hot.kill();
    }
  });
});
