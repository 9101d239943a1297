import 'reflect-metadata';
import { header } from '@spillway/contracts';
import { eventually, startRedis, type TestRedis } from '@spillway/testing';
import { Rig, type Accepted } from '../test/rig.ts';

const SETTLED_WITHIN_MS = 60_000;

let redis: TestRedis;
let rig: Rig;
beforeAll(async () => {
  redis = await startRedis();
});
beforeEach(async () => {
  await redis.ask('FLUSHALL');
  rig = await Rig.start();
  await rig.endpoint();
}, 60_000);
afterEach(() => rig.stop(), 60_000);
afterAll(() => redis.stop());

const keys = (count: number): string[] => Array.from({ length: count }, (_, n) => `k${n}`);
const numbers = (events: readonly Accepted[]): number[] => events.map(({ ingest }) => ingest).toSorted((a, b) => a - b);
const dropped = async (): Promise<number[]> => (await rig.factsOf('event.duplicates_dropped')).flatMap(({ originals }) => originals.flatMap(({ ingest }) => ingest)).toSorted((a, b) => a - b);
/** A reader takes the same fact twice for one. */
const told = async (): Promise<Set<number>> => new Set((await rig.factsOf('event.accepted')).map(({ ingest }) => ingest));
const emptied = (): Promise<void> => eventually(async () => expect(await rig.left('WEBHOOK_INGEST')).toBe(0), SETTLED_WITHIN_MS);

describe('a page', () => {
  it('that says the same id twice is one delivery of it and one duplicate, each under a number of its own', async () => {
    const page = await rig.acceptPage(['a', 'b', 'a', 'c', 'a']);
    const at = Math.floor(page[0]?.ingest ?? 0);
    expect([numbers(page), await rig.left('WEBHOOK_INGEST')]).toEqual([[at, at + 0.001, at + 0.002, at + 0.003, at + 0.004].map((one) => Number(one.toFixed(3))), 1]);
    await rig.startDedupe();
    await rig.untilSettled(...page);
    expect([await rig.left('WEBHOOK_DELIVERY'), await dropped(), await told()]).toEqual([3, numbers([page[2], page[4]] as Accepted[]), new Set(numbers([page[0], page[1], page[3]] as Accepted[]))]);
    await emptied();
  });

  it('of what is known is dropped, counted under the numbers it came by, with what differs said', async () => {
    await rig.startDedupe();
    const first = await rig.acceptPage(keys(50));
    await rig.untilSettled(...first);
    const again = await rig.acceptPage([...keys(50), 'new']);
    const other = await rig.acceptPage(['k1', 'k2'], { data: '{"n":2}' });
    await rig.untilSettled(...first, ...again, ...other);
    expect([await rig.left('WEBHOOK_DELIVERY'), await dropped()]).toEqual([51, numbers([...again.slice(0, 50), ...other])]);
    const originals = (await rig.factsOf('event.duplicates_dropped')).flatMap((fact) => fact.originals);
    expect(originals.reduce((sum, { differs = 0 }) => sum + differs, 0)).toBe(2);
    await emptied();
  });

  it('with what nobody can read loses that alone, to the dead letters', async () => {
    await rig.startDedupe();
    await rig.publishPage('a', { headers: [[header.tenant, 'acme']], body: '{}' }, 'b');
    await emptied();
    const letters = await rig.everythingIn('WEBHOOK_DEAD');
    expect(letters.map(({ subject: on, headers, data }) => [on, headers.get(header.messageId), data])).toEqual([['webhook.dead.pipeline.dedupe', expect.stringMatching(/^WEBHOOK_INGEST@.+:1-1$/), '{}']]);
    expect([await rig.left('WEBHOOK_DELIVERY'), await told()]).toEqual([2, new Set([1, 1.002])]);
  });

  it.each(['without Redis', 'with Redis'])('that comes again after its worker died over the middle of it is delivered once, and nothing on it is taken for its own duplicate: %s', async (how) => {
    const env: Record<string, string> = how === 'with Redis' ? { SPILLWAY_DEDUPE_REDIS_URL: redis.url } : {};
    // room for some of it: they are stored and told, and the page is not settled
    await rig.limit('WEBHOOK_DELIVERY', 30_000);
    const page = await rig.acceptPage([...keys(100), 'k0']);
    expect(await rig.left('WEBHOOK_INGEST')).toBe(1);
    const worker = await rig.startProcess(env);
    await eventually(async () => expect([await rig.left('WEBHOOK_DELIVERY') > 5, (await told()).size > 5]).toEqual([true, true]), SETTLED_WITHIN_MS);
    await worker.kill();
    expect(await rig.left('WEBHOOK_DELIVERY')).toBeLessThan(100);
    await rig.limit('WEBHOOK_DELIVERY', 2 ** 26);
    await rig.startDedupe(env);
    await emptied();
    expect([new Set(await dropped()), await told()]).toEqual([new Set(numbers(page.slice(100))), new Set(numbers(page.slice(0, 100)))]);
    expect([await rig.left('WEBHOOK_DELIVERY'), new Set(await rig.delivered()).size]).toEqual([100, 100]);
  }, 150_000);

  it.each(['fresh', 'bulk'] as const)('that a dedupe was stopped over, for want of room in DELIVERY, is delivered once, though nobody knows its ids any more: %s', async (lane) => {
    await rig.forgetIdsAtOnce('WEBHOOK_DELIVERY');
    await rig.limit('WEBHOOK_DELIVERY', lane === 'fresh' ? 30_000 : 50_000);
    const page = await rig.acceptPage(keys(100), { lane });
    const worker = await rig.startProcess({ SPILLWAY_DEDUPE_REDIS_URL: redis.url });
    const stored = { count: 0, since: performance.now() };
    await eventually(async () => {
      const count = await rig.left('WEBHOOK_DELIVERY');
      if (count !== stored.count) Object.assign(stored, { count, since: performance.now() });
      expect([stored.count > 5, performance.now() - stored.since > 1_000]).toEqual([true, true]);
    }, SETTLED_WITHIN_MS);
    expect(stored.count).toBeLessThan(100);
    await worker.stop();
    await rig.limit('WEBHOOK_DELIVERY', 2 ** 26);
    await rig.startDedupe({ SPILLWAY_DEDUPE_REDIS_URL: redis.url });
    await emptied();
    const delivered = await rig.delivered();
    expect([delivered.length, new Set(delivered).size, await dropped(), (await rig.factsOf('event.accepted')).length, await told()]).toEqual([100, 100, [], 100, new Set(numbers(page))]);
  }, 150_000);
});
