import { startDelayingProxy } from './delaying-proxy.ts';
import { eventually } from './eventually.ts';
import { startRedis, type TestRedis } from './redis.ts';
import { RedisServerMissing, searchRedis } from './redis-server-binary.ts';
import { askRedis } from './resp.ts';

let redis: TestRedis;
beforeAll(async () => {
  redis = await startRedis({ password: 'secret' });
});
afterAll(() => redis.stop());

it('answers, is set up as dedupe’s Redis is, and keeps nothing over a restart on the same port', async () => {
  await redis.ask('SET', 'a', 'größer');
  expect([await redis.ask('GET', 'a'), await redis.ask('GET', 'b'), await redis.ask('DBSIZE')]).toEqual(['größer', null, 1]);
  expect(await redis.ask('CONFIG', 'GET', 'maxmemory-policy')).toEqual(['maxmemory-policy', 'volatile-ttl']);
  const { port, pid } = redis;
  await redis.restart();
  expect([redis.port, redis.pid === pid, await redis.ask('GET', 'a')]).toEqual([port, false, null]);
});

it('says no in Redis’ own words', async () => {
  await expect(redis.ask('NONSENSE')).rejects.toThrow('ERR unknown command');
  await expect(askRedis(redis.port, undefined, ['GET', 'a'])).rejects.toThrow('NOAUTH');
});

it('stands still while it is frozen, and goes on', async () => {
  redis.freeze();
  await expect(askRedis(redis.port, 'secret', ['PING'], 200)).rejects.toThrow('did not answer');
  redis.thaw();
  expect(await redis.ask('PING')).toBe('PONG');
});

it('is reached through a slow network, and not through one that was cut', async () => {
  const proxy = await startDelayingProxy(redis.port, 300);
  const startedAt = performance.now();
  expect(await askRedis(proxy.port, 'secret', ['PING'])).toBe('PONG');
  expect(performance.now() - startedAt).toBeGreaterThan(295);
  proxy.delayMs = 60_000;
  await eventually(() => expect(proxy.connections).toBe(0));
  const asked = askRedis(proxy.port, 'secret', ['PING'], 60_000).catch((error: unknown) => error);
  await eventually(() => expect(proxy.connections).toBe(1));
  proxy.cut();
  expect(String(await asked)).toMatch(/closed|ECONNRESET/);
  await proxy.stop();
  await proxy.stop();
});

it('is never left out in silence', () => {
  expect(() => searchRedis({ REDIS_SERVER_BIN: '/nowhere/redis-server' })).toThrow(RedisServerMissing);
  expect(() => searchRedis({ PATH: '' }, '/nowhere')).toThrow(/REDIS_SERVER_BIN/);
});
