import { execFileSync } from 'node:child_process';
import { StandInPlane, until } from './stand-in/run.mjs';

/** In the order it is started in. */
const EVERYTHING = ['nats', 'dedupe-redis', 'ingest', 'dispatcher'];

/** @type {StandInPlane} */
let plane;
beforeEach(async () => {
  plane = await StandInPlane.create();
});
afterEach(() => plane.destroy());

const gone = () => until(() => plane.running().length === 0, () => `still running: ${plane.running().join(', ')}`);

describe('a start', () => {
  it('runs the broker and every app, says where, and leaves nothing behind on SIGINT', async () => {
    const start = await plane.ready();
    expect(start.output).toContain(`ingest        http://127.0.0.1:${plane.portBase}`);
    expect(start.output).toContain(`nats          nats://127.0.0.1:${plane.portBase + 10}`);
    expect(start.output).toMatch(/admin key {5}spk_admin_\w+/);
    expect(start.output).toContain('SPILLWAY_ALLOW_NETWORKS=127.0.0.0/8,::1/128');
    expect(plane.lock().processes.map(({ name }) => name)).toEqual(EVERYTHING);
    start.child.kill('SIGINT');
    expect(await start.ended).toBe(0);
    expect(plane.running()).toEqual([]);
    expect(() => plane.lock()).toThrow('ENOENT');
  });

  it('gives each app its own broker user and only the secrets it uses', async () => {
    await plane.ready();
    plane.lock();
    /** @type {any[]} */
    const [ingest, dispatcher] = await Promise.all([0, 5].map(async (offset) => (await fetch(plane.url('environment', offset))).json()));
    expect(ingest).toMatchObject({ NATS_USER: 'ingest', NATS_URL: `127.0.0.1:${plane.portBase + 10}`, NATS_MONITOR_URL: `http://127.0.0.1:${plane.portBase + 11}` });
    expect(ingest.SPILLWAY_ADMIN_KEY).toMatch(/^spk_admin_/);
    expect(ingest).not.toHaveProperty('SPILLWAY_MASTER_KEY');
    expect(Buffer.from(dispatcher.SPILLWAY_MASTER_KEY, 'base64')).toHaveLength(32);
    expect(dispatcher).not.toHaveProperty('SPILLWAY_ADMIN_KEY');
    expect(dispatcher).not.toHaveProperty('NATS_MONITOR_URL');
    expect(dispatcher.NATS_PASSWORD).not.toBe(ingest.NATS_PASSWORD);
  });

  it('is the only one on its data: a second says so and exits 2', async () => {
    const first = await plane.ready();
    const second = plane.start();
    expect(await second.ended).toBe(2);
    expect(second.output).toContain(`npm start is running already (pid ${plane.lock().pid}, ports from ${plane.portBase})`);
    expect(plane.running()).toEqual(EVERYTHING);
    first.child.kill('SIGTERM');
    expect(await first.ended).toBe(0);
  });

  it('continues with the data of the one before, and empties it when told to', async () => {
    const keys = [];
    for (const args of [[], [], ['--fresh']]) {
      const start = await plane.ready({ args });
      keys.push(/spk_admin_\S+/.exec(start.output)?.[0]);
      start.child.kill('SIGTERM');
      await start.ended;
    }
    expect(keys[1]).toBe(keys[0]);
    expect(keys[2]).not.toBe(keys[0]);
  });
});

it('runs without a Redis where there is none to be had, and says what that costs', async () => {
  const start = await plane.ready({ env: { REDIS_SERVER_BIN: '', PATH: '/nowhere', STAND_IN_CACHE: plane.folder } });
  expect(start.output).toContain('no redis-server here: not a Debian machine');
  expect(start.output).toContain('there is no Redis: duplicates are known for two minutes instead of a day, by id only');
  expect(plane.lock().processes.map(({ name }) => name)).toEqual(['nats', 'ingest', 'dispatcher']);
  start.child.kill('SIGTERM');
  expect(await start.ended).toBe(0);
});

describe('what dies', () => {
  it('is started again, app or broker, and said', async () => {
    const start = await plane.ready();
    for (const name of ['dispatcher', 'nats', 'dedupe-redis']) {
      const before = /** @type {number} */ (plane.pidOf(name));
      process.kill(before, 'SIGKILL');
      await start.says(`${name} ended (SIGKILL)`);
      await until(() => ![undefined, before].includes(plane.pidOf(name)), () => `${name} was not started again`);
    }
    start.child.kill('SIGTERM');
    expect(await start.ended).toBe(0);
    expect(plane.running()).toEqual([]);
  });

  it('again and again before anything was ready ends the start, with its last words', async () => {
    const start = plane.start({ env: { STAND_IN_CRASHES: 'dispatcher' } });
    await start.says('starting ingest');
    plane.lock();
    expect(await start.ended).toBe(1);
    expect(start.output).toContain('dispatcher does not start: it ended 4 times');
    expect(start.output).toContain('"msg":"the stand-in was told to crash"');
    expect(start.output).toContain('dispatcher  error: the stand-in was told to crash');
    expect(plane.running()).toEqual([]);
  });

  it('by a failed provisioning ends the start, with what it said', async () => {
    const start = plane.start({ env: { STAND_IN_PROVISIONING_FAILS: '1' } });
    expect(await start.ended).toBe(1);
    expect(start.output).toContain('the server reserves the sum of all streams');
  });
});

describe('a launcher that is killed', () => {
  it('takes everything with it, and the next start works', async () => {
    await plane.ready();
    process.kill(plane.lock().pid, 'SIGKILL');
    await gone();
    const second = await plane.ready();
    second.child.kill('SIGTERM');
    expect(await second.ended).toBe(0);
  });

  it('together with its reaper leaves what the next start finds and stops', async () => {
    const first = await plane.ready({ env: { PATH: '/usr/bin:/bin' } });
    const { pid, processes } = plane.lock();
    const children = new Set(processes.map((record) => record.pid));
    const reaper = execFileSync('ps', ['-o', 'pid=', '--ppid', String(pid)], { encoding: 'utf8' }).trim().split(/\s+/).map(Number).find((child) => !children.has(child));
    process.kill(/** @type {number} */ (reaper), 'SIGKILL');
    process.kill(pid, 'SIGKILL');
    await first.ended;
    expect(plane.running()).toEqual(EVERYTHING);
    const second = await plane.ready();
    expect(second.output).toContain(`the start before this one was killed; stopping what it left: nats (pid ${children.values().next().value})`);
    const left = plane.running();
    plane.lock();
    expect(left).toEqual([]);
    second.child.kill('SIGTERM');
    expect(await second.ended).toBe(0);
  });
});

describe('stopping', () => {
  it('waits for an app that drains, and stops at once when asked twice', async () => {
    const start = await plane.ready({ env: { STAND_IN_STUBBORN: 'dispatcher' } });
    plane.lock();
    start.child.kill('SIGINT');
    await start.says('once more stops at once');
    await until(() => !plane.running().includes('ingest'), () => 'ingest did not stop');
    expect(plane.running()).toContain('dispatcher');
    // one press of Ctrl-C arrives up to three times: only what comes a second later is a second one
    await until(
      () => start.over || !start.child.kill('SIGINT'),
      () => 'it did not end',
    );
    expect(await start.ended).toBe(1);
    await gone();
  });

  it('may come while it still starts', async () => {
    const start = plane.start();
    await start.says('nats-server');
    start.child.kill('SIGTERM');
    expect(await start.ended).toBe(0);
    expect(start.output).not.toContain('is ready');
    expect(() => plane.lock()).toThrow('ENOENT');
  });
});
