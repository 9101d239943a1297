import { jest } from '@jest/globals';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { eventually } from '@spillway/testing';

/** A process boots from source in 2 s, and in 20 on a machine that does ten other things. */
const BOOTS_MS = 60_000;
jest.setTimeout(3 * BOOTS_MS);

type Line = Record<string, unknown>;
const here = import.meta.dirname;

/** The app of main.ts in a process of its own, from source. */
const start = (env: Record<string, string> = {}) => {
  const hook = join(here, '../../../tools/swc-hook.mjs');
  const child = spawn(process.execPath, ['--conditions=@spillway/source', '--import', hook, join(here, 'main.ts')], {
    env: { ...process.env, SPILLWAY_PORT_BASE: '0', ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  // not `exit`: what it said last is read until then
  const closed = once(child, 'close');
  let out = '';
  child.stdout.on('data', (chunk: Buffer) => (out += chunk.toString()));
  const lines = (): Line[] => out.split('\n').filter(Boolean).map((line) => JSON.parse(line) as Line);
  const said = (msg: string) => eventually(() => {
    const found = lines().filter((line) => line['msg'] === msg);
    if (found.length === 0) throw new Error(`nobody said ${JSON.stringify(msg)}: ${out}`);
    return found;
  }, BOOTS_MS);
  return { child, closed, said, lines };
};

const endOf = async ({ closed }: { closed: Promise<unknown[]> }): Promise<unknown> => (await closed)[0];

const isWell = async ({ url }: Line) => (await fetch(`${String(url)}/readyz`)).status === 200;

it.each(['SIGTERM', 'SIGINT'] as const)('serves until %s, and leaves with 0', async (signal) => {
  const app = start();
  const [ready] = await app.said('ready');
  expect(await isWell(ready!)).toBe(true);
  app.child.kill(signal);
  expect(await endOf(app)).toBe(0);
  await app.said('stopped');
});

it('leaves at once with 1 on a second signal', async () => {
  const app = start({ SLOW_MS: '60000' });
  await app.said('ready');
  app.child.kill('SIGTERM');
  await app.said('stopping');
  app.child.kill('SIGTERM');
  expect(await endOf(app)).toBe(1);
});

it('says every fault of its configuration in one line, and leaves with 1', async () => {
  const app = start({ SPILLWAY_PORT_BASE: 'x', SPILLWAY_LOG_LEVEL: 'loud', SPILLWAY_STATUS_KEY: 'short' });
  expect(await endOf(app)).toBe(1);
  const lines = app.lines();
  expect(lines).toMatchObject([{ level: 'fatal', app: 'tiny', code: 'SPILLWAY_CONFIG' }]);
  expect((lines[0]!['faults'] as Line[]).map(({ variable }) => variable)).toEqual(['SPILLWAY_PORT_BASE', 'SPILLWAY_LOG_LEVEL', 'SPILLWAY_STATUS_KEY']);
  expect(JSON.stringify(lines)).not.toContain('short');
});

it('names port and variable when the port is taken, and leaves with 1', async () => {
  const first = start();
  const [ready] = await first.said('ready');
  const port = Number(new URL(String(ready!['url'])).port);
  const second = start({ SPILLWAY_PORT_BASE: String(port - 'tiny'.length) });
  expect(await endOf(second)).toBe(1);
  const last = second.lines().at(-1)!;
  expect(last).toMatchObject({ level: 'fatal', code: 'SPILLWAY_CANNOT_LISTEN', msg: expect.stringContaining(`port ${port} of tiny is taken`) as string });
  expect(last['msg']).toContain(`SPILLWAY_PORT_BASE=${port - 4} plus 4`);
  first.child.kill('SIGKILL');
});

it('serves several apps in one process, and stops them together', async () => {
  const app = start({ COMPACT: '1' });
  const ready = await eventually(async () => {
    const both = await app.said('ready');
    expect(both).toHaveLength(2);
    return both;
  }, BOOTS_MS);
  expect(await Promise.all(ready.map(isWell))).toEqual([true, true]);
  app.child.kill('SIGTERM');
  expect(await endOf(app)).toBe(0);
  expect(await app.said('stopped')).toHaveLength(2);
});

const STANDS_STILL = 'the event loop stands still: this process ends itself, to be started again';
const answers = async ({ url }: Line): Promise<number> => (await fetch(`${String(url)}/healthz`, { signal: AbortSignal.timeout(60_000) })).status;

it('ends a process whose event loop is blocked, and says what it was working on', async () => {
  const { child, closed, said, lines } = start();
  await said('ready');
  child.kill('SIGUSR2');
  expect(await closed).toEqual([null, 'SIGKILL']);
  expect(lines().find(({ msg }) => msg === STANDS_STILL)).toMatchObject({ level: 'fatal', app: 'tiny', working: 'WEBHOOK_DELIVERY@t0:17' });
});

it('leaves a process alone that was frozen for longer than that and let go', async () => {
  const { child, closed, said, lines } = start({ SPILLWAY_BLOCKED_AFTER_MS: '3000' });
  const [ready] = await said('ready');
  for (let n = 0; n < 2; n += 1) {
    child.kill('SIGSTOP');
    const until = performance.now() + 4_000;
    await eventually(() => expect(performance.now()).toBeGreaterThan(until));
    child.kill('SIGCONT');
    expect(await answers(ready!)).toBe(200);
  }
  child.kill('SIGTERM');
  expect(await closed).toEqual([0, null]);
  expect(lines().filter(({ msg }) => msg === STANDS_STILL)).toEqual([]);
});

it('watches nothing where it was told not to', async () => {
  const { child, closed, said } = start({ SPILLWAY_BLOCKED_AFTER_MS: '0' });
  await said('ready');
  child.kill('SIGUSR2');
  const until = performance.now() + 4_000;
  await eventually(() => expect(performance.now()).toBeGreaterThan(until));
  expect([child.exitCode, child.signalCode]).toEqual([null, null]);
  child.kill('SIGKILL');
  await closed;
});
