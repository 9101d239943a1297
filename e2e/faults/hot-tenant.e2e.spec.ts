import { getPriority } from 'node:os';
import { onPlaneInView } from '../broker-view.ts';
import { HotTenant, type HotTenantBooks } from '../load/hot-tenant.ts';
import { besides, Neighbour } from '../load/neighbour.ts';

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

it.each(cases)('a tenant at a hundred times its share, with events of $what, is told so, and its neighbour never is', async ({ what, dataBytes, shareMessages, maxBytes, connections, quota }) => {
  const limits = { SPILLWAY_MAX_MESSAGES_TENANT: String(shareMessages), SPILLWAY_MAX_BYTES_INGEST: maxBytes };
  await onPlaneInView({ limits }, async (plane, view) => {
    const neighbour = await Neighbour.at(plane);
    // what is accepted is worked before more of it is taken
    const [door, house] = [plane.app('ingest'), plane.app('dedupe')].map(({ pid }) => getPriority(pid)) as [number, number];
    expect(door).toBe(Math.min(19, house + 10));
    const steady = (name: string) => neighbour.send({ name, events: EVENTS, perSecond: PER_SECOND });
    const producer = { url: plane.app('ingest').url, key: plane.adminKey, dataBytes, perSecond: (HUNDREDFOLD * quota * PER_SECOND) / EVENTS, connections };
    const [warm, hot] = [new HotTenant({ ...producer, tenant: 'warm', requests: (HUNDREDFOLD / 4) * quota }), new HotTenant({ ...producer, tenant: 'hot', requests: HUNDREDFOLD * quota })];
    try {
      for (const [tenant, each] of Object.entries({ warm, hot })) await plane.createEndpoint(tenant, { url: await each.receiver() });
      // code that has run before: what is measured is the flood, and not the first second of a process
      await Promise.all([warm.sendAll(), steady('warm')]);
      await warm.books();
      await view.settled();
      const quiet = await steady('quiet');
      const [, loud] = await Promise.all([hot.sendAll(), steady('loud')]);
      const hotBooks: HotTenantBooks = await hot.books();
      await view.settled();
      process.stdout.write(`${what}: the hot tenant was answered ${JSON.stringify(hotBooks.answers)}; its neighbour’s ${besides(quiet, loud)}\n`);
      expect(Object.keys(hotBooks.answers).filter((answer) => !['202', '429', 'ECONNRESET', 'EPIPE'].includes(answer))).toEqual([]);
      expect(hotBooks.answers['429']).toBeGreaterThan(0);
      expect(hotBooks).toMatchObject({ withoutRetryAfter: 0, missing: 0, strange: 0 });
      expect(hotBooks.accepted).toBeGreaterThanOrEqual(quota); // it gets its share
      expect(loud.answers).toEqual({ 202: EVENTS }); // not one 429, not one 503
      expect(quiet.totals).toMatchObject({ acknowledged: EVENTS, delivered: EVENTS, lost: 0 });
      expect(loud.totals).toMatchObject({ acknowledged: EVENTS, delivered: EVENTS, lost: 0, duplicates: 0, strange: 0 });
    } finally {
      for (const each of [warm, hot]) each.kill();
      await neighbour.stop();
    }
  });
});
