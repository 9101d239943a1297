import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findRedisServer } from '../real-parts/redis-server.mjs';
import { dedupeRedisPortOffset } from './apps.mjs';
import { redisConfig, startDedupeRedis } from './dedupe-redis.mjs';
import { askRedis } from './stand-in/ask-redis.mjs';
import { freePortBase } from './stand-in/run.mjs';

it('is on loopback, behind a password, bounded, and forgets first what would end first', () => {
  const config = redisConfig({ port: 8092, password: 'pw', folder: '/data with blanks' });
  expect(config.split('\n')).toEqual(expect.arrayContaining(['bind 127.0.0.1', 'port 8092', 'requirepass pw', 'maxmemory 256mb', 'maxmemory-policy volatile-ttl', 'dir "/data with blanks"']));
});

it('keeps its marks over a stop on purpose, and brings nothing back after a crash', async () => {
  const dataFolder = mkdtempSync(join(tmpdir(), 'spillway-dedupe-redis-'));
  const port = await freePortBase();
  const binary = /** @type {{ path: string }} */ (await findRedisServer({ cacheFolder: join(import.meta.dirname, '..', '..', '.cache'), say: () => undefined })).path;
  /** @type {import('node:child_process').ChildProcess[]} */
  const children = [];
  const processes = /** @type {any} */ ({ start: (/** @type {any} */ { command, args }) => children.push(spawn(command, args, { stdio: 'ignore' })) });
  const settings = /** @type {any} */ ({ root: dataFolder, dataFolder, portBase: port - dedupeRedisPortOffset, env: process.env });
  const start = () => startDedupeRedis(settings, { binary, secrets: /** @type {any} */ ({ dedupeRedisPassword: 'pw' }), processes, signal: AbortSignal.timeout(30_000), died: () => undefined });
  const end = async (/** @type {NodeJS.Signals} */ signal) => {
    const child = /** @type {import('node:child_process').ChildProcess} */ (children.at(-1));
    child.kill(signal);
    await once(child, 'exit');
  };
  try {
    await start();
    await askRedis(port, 'pw', 'SET mark a');
    await end('SIGTERM');
    await start();
    expect([await askRedis(port, 'pw', 'GET mark'), existsSync(join(dataFolder, 'dedupe-redis', 'dump.rdb'))]).toEqual(['$1\r\na\r\n', false]);
    await askRedis(port, 'pw', 'DEL mark');
    await end('SIGKILL');
    await start();
    expect(await askRedis(port, 'pw', 'GET mark')).toBe('$-1\r\n');
  } finally {
    for (const child of children) child.kill('SIGKILL');
    rmSync(dataFolder, { recursive: true, force: true });
  }
});
