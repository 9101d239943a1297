import { testLog } from '@spillway/jetstream/testing';
import { eventually, startDelayingProxy, startRedis, type DelayingProxy, type TestRedis } from '@spillway/testing';
import type { ToClaim } from './dedupe-index.ts';
import type { IndexChange } from './redis-care.ts';
import { RedisIndex } from './redis-index.ts';

/** Twenty times what is set by default: this machine does other things, too, and one late group is a fault that nobody caused. Far below "5 s slow". */
const DEADLINE_MS = 1_000;
const AT_ONCE_MS = 10 * DEADLINE_MS;

let redis: TestRedis;
let proxy: DelayingProxy;
let index: RedisIndex;
let changes: IndexChange[];
beforeEach(async () => {
  redis = await startRedis();
  proxy = await startDelayingProxy(redis.port);
  index = await open();
}, 30_000);
afterEach(async () => {
  await index.close();
  await proxy.stop();
  await redis.stop();
});

const open = async (): Promise<RedisIndex> => {
  const opened = await RedisIndex.open({ url: `redis://127.0.0.1:${proxy.port}`, windowMs: 3_600_000, deadlineMs: DEADLINE_MS, log: testLog });
  changes = [];
  opened.onChange((change) => changes.push(change));
  return opened;
};

let sequence = 0;
const claimOf = (key: string): ToClaim => ({ key, windowMs: 3_600_000, mark: { world: 'w', sequence: (sequence += 1), place: 0, acceptedAtMs: 1_000, event: `evt_${key}`, checksum: 'x', again: false } });
const kinds = async (...keys: string[]): Promise<string[]> => (await Promise.all(keys.map(async (key) => index.claim(claimOf(key))))).map(({ kind }) => kind);

/** Claims until the index knows that something is wrong; each claim is answered at once. */
const untilDegraded = async (): Promise<void> => {
  await eventually(async () => {
    const startedAt = performance.now();
    await kinds(`t${(sequence += 1)}`);
    expect(performance.now() - startedAt).toBeLessThan(AT_ONCE_MS);
    expect(index.state.ok).toBe(false);
  });
};

/** By itself, and what passed meanwhile is known then. */
const untilRestored = async (passed: string): Promise<void> => {
  await eventually(() => expect(index.state.ok).toBe(true));
  expect(changes.map(({ state }) => state.ok)).toEqual([false, true]);
  expect(changes[1]?.passed).toBeGreaterThan(0);
  expect([await kinds(passed), await kinds('new')]).toEqual([['duplicate'], ['mine']]);
};

const faults: [what: string, fault: string, begin: () => Promise<unknown>, end: () => Promise<unknown>][] = [
  ['killed, and back empty', 'away', () => redis.kill(), () => redis.restart()],
  ['frozen', 'slow', async () => redis.freeze(), async () => redis.thaw()],
  ['5 s slow', 'slow', async () => (proxy.delayMs = 5_000), async () => ((proxy.delayMs = 0), proxy.cut())],
  ['full, without eviction', 'full', () => fill(), () => redis.ask('CONFIG', 'SET', 'maxmemory', '256mb')],
  ['a replica', 'read_only', () => redis.ask('REPLICAOF', '127.0.0.1', '1'), () => redis.ask('REPLICAOF', 'NO', 'ONE')],
  ['asking for a password', 'refused', () => redis.restart({ password: 'new' }), () => redis.restart({})],
  ['cut off', 'away', () => proxy.stop(), () => proxy.listen(proxyPort)],
];
let proxyPort = 0;

const fill = async (): Promise<void> => {
  await redis.ask('CONFIG', 'SET', 'maxmemory-policy', 'noeviction');
  await redis.ask('CONFIG', 'SET', 'maxmemory', '1mb');
};

describe('a Redis that is', () => {
  it.each(faults)('%s: events pass at once, the state says why, and it recovers by itself', async (_, fault, begin, end) => {
    proxyPort = proxy.port;
    expect([await kinds('before'), await kinds('before')]).toEqual([['mine'], ['duplicate']]);
    await begin();
    await untilDegraded();
    await eventually(() => expect(index.state.fault).toBe(fault));
    const startedAt = performance.now();
    expect(new Set(await kinds(...Array.from({ length: 1_000 }, (__, n) => `meanwhile${n}`)))).toEqual(new Set(['unknown']));
    expect(performance.now() - startedAt).toBeLessThan(AT_ONCE_MS);
    expect(index.detail()).toMatchObject({ fault, remediation: expect.any(String) as unknown, postponed: expect.any(Number) as unknown });
    await end();
    await untilRestored('meanwhile999');
  }, 60_000);

  it('away at the start keeps nobody from starting', async () => {
    await redis.kill();
    await index.close();
    const startedAt = performance.now();
    index = await open();
    expect(performance.now() - startedAt).toBeLessThan(5_000);
    expect([changes.map(({ state }) => state.fault), await kinds('a')]).toEqual([['away'], ['unknown']]);
    await redis.restart();
    await untilRestored('a');
  }, 60_000);

  it('only a little slow is waited for', async () => {
    proxy.delayMs = 100;
    expect([await kinds('a'), await kinds('a'), index.state.ok]).toEqual([['mine'], ['duplicate'], true]);
  });
});

it('is named for what is wrong with it now: slow at first, then gone', async () => {
  redis.freeze();
  await untilDegraded();
  expect(index.state.fault).toBe('slow');
  await redis.kill();
  await eventually(() => expect(index.state.fault).toBe('away'));
  await redis.restart();
  await eventually(() => expect(index.state.ok).toBe(true));
}, 60_000);

it('what is given up while Redis is away is taken back when it is there again', async () => {
  const claim = claimOf('poison');
  expect((await index.claim(claim)).kind).toBe('mine');
  redis.freeze();
  await index.giveUp(claim);
  await untilDegraded();
  await index.giveUp(claim);
  redis.thaw();
  await eventually(() => expect(index.state.ok).toBe(true));
  expect(await kinds('poison')).toEqual(['mine']);
}, 60_000);

it('says when it forgets before its time, and when it is set up so that it will refuse', async () => {
  await redis.ask('CONFIG', 'SET', 'maxmemory', '3mb');
  for (let n = 0; n < 20; n += 1) await kinds(...Array.from({ length: 1_000 }, (_, i) => `key${n}-${i}-${'x'.repeat(30)}`));
  expect(index.state.ok).toBe(true);
  await index.close();
  index = await open();
  await eventually(() => expect(index.detail()).toMatchObject({ redis: { policy: 'volatile-ttl', maxBytes: 3 * 2 ** 20 }, warning: undefined }));
  expect(index.vitals?.evictedKeys).toBeGreaterThan(1_000);
  await redis.ask('CONFIG', 'SET', 'maxmemory-policy', 'noeviction');
  await index.close();
  index = await open();
  await eventually(() => expect(index.detail()).toMatchObject({ warning: expect.stringContaining('volatile-ttl is wanted') as unknown }));
}, 60_000);
