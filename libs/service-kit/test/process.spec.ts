import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { eventually } from '@spillway/testing';

type Line = Record<string, unknown>;
const here = import.meta.dirname;

/** The app of main.ts in a process of its own, from source. */
const start = (env: Record<string, string> = {}) => {
  const hook = join(here, '../../../tools/swc-hook.mjs');
  const child = spawn(process.execPath, ['--conditions=@spillway/source', '--import', hook, join(here, 'main.ts')], {
    env: { ...process.env, SPILLWAY_PORT_BASE: '0', ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let out = '';
  child.stdout.on('data', (chunk: Buffer) => (out += chunk.toString()));
  const lines = (): Line[] => out.split('\n').filter(Boolean).map((line) => JSON.parse(line) as Line);
  const said = (msg: string) => eventually(() => {
    const found = lines().filter((line) => line['msg'] === msg);
    if (found.length === 0) throw new Error(`nobody said ${JSON.stringify(msg)}: ${out}`);
    return found;
  });
  return { child, said, lines };
};

const endOf = async (child: ChildProcess): Promise<unknown> => (child.exitCode === null && child.signalCode === null ? (await once(child, 'exit'))[0] : child.exitCode);

const isWell = async ({ url }: Line) => (await fetch(`${String(url)}/readyz`)).status === 200;

it.each(['SIGTERM', 'SIGINT'] as const)('serves until %s, and leaves with 0', async (signal) => {
  const { child, said } = start();
  const [ready] = await said('ready');
  expect(await isWell(ready!)).toBe(true);
  child.kill(signal);
  expect(await endOf(child)).toBe(0);
  await said('stopped');
});

it('leaves at once with 1 on a second signal', async () => {
  const { child, said } = start({ SLOW_MS: '60000' });
  await said('ready');
  child.kill('SIGTERM');
  await said('stopping');
  child.kill('SIGTERM');
  expect(await endOf(child)).toBe(1);
});

it('says every fault of its configuration in one line, and leaves with 1', async () => {
  const { child, lines } = start({ SPILLWAY_PORT_BASE: 'x', SPILLWAY_LOG_LEVEL: 'loud', SPILLWAY_STATUS_KEY: 'short' });
  expect(await endOf(child)).toBe(1);
  expect(lines()).toMatchObject([{ level: 'fatal', app: 'tiny', code: 'SPILLWAY_CONFIG' }]);
  expect((lines()[0]!['faults'] as Line[]).map(({ variable }) => variable)).toEqual(['SPILLWAY_PORT_BASE', 'SPILLWAY_LOG_LEVEL', 'SPILLWAY_STATUS_KEY']);
  expect(JSON.stringify(lines())).not.toContain('short');
});

it('names port and variable when the port is taken, and leaves with 1', async () => {
  const first = start();
  const [ready] = await first.said('ready');
  const port = Number(new URL(String(ready!['url'])).port);
  const second = start({ SPILLWAY_PORT_BASE: String(port - 'tiny'.length) });
  expect(await endOf(second.child)).toBe(1);
  // its last line may be read after it has gone
  await eventually(() => expect(second.lines().at(-1)).toMatchObject({ level: 'fatal', code: 'SPILLWAY_CANNOT_LISTEN', msg: expect.stringContaining(`port ${port} of tiny is taken`) }));
  const last = second.lines().at(-1)!;
  expect(last['msg']).toContain(`SPILLWAY_PORT_BASE=${port - 4} plus 4`);
  first.child.kill('SIGKILL');
});

it('serves several apps in one process, and stops them together', async () => {
  const { child, said } = start({ COMPACT: '1' });
  const ready = await eventually(async () => {
    const both = await said('ready');
    expect(both).toHaveLength(2);
    return both;
  });
  expect(await Promise.all(ready.map(isWell))).toEqual([true, true]);
  child.kill('SIGTERM');
  expect(await endOf(child)).toBe(0);
  expect(await said('stopped')).toHaveLength(2);
});

const STANDS_STILL = 'the event loop stands still: this process ends itself, to be started again';
const answers = async ({ url }: Line): Promise<number> => (await fetch(`${String(url)}/healthz`, { signal: AbortSignal.timeout(10_000) })).status;

it('ends a process whose event loop is blocked, and says what it was working on', async () => {
  const { child, said, lines } = start();
  await said('ready');
  const exited = once(child, 'exit');
  child.kill('SIGUSR2');
  expect(await exited).toEqual([null, 'SIGKILL']);
  expect(lines().find(({ msg }) => msg === STANDS_STILL)).toMatchObject({ level: 'fatal', app: 'tiny', working: 'WEBHOOK_DELIVERY@t0:17' });
}, 120_000);

it('leaves a process alone that was frozen for longer than that and let go', async () => {
  const { child, said, lines } = start({ SPILLWAY_BLOCKED_AFTER_MS: '1500' });
  const [ready] = await said('ready');
  for (let n = 0; n < 2; n += 1) {
    child.kill('SIGSTOP');
    const until = performance.now() + 4_000;
    await eventually(() => expect(performance.now()).toBeGreaterThan(until));
    child.kill('SIGCONT');
    expect(await answers(ready!)).toBe(200);
  }
  expect(lines().filter(({ msg }) => msg === STANDS_STILL)).toEqual([]);
  child.kill('SIGTERM');
  expect(await once(child, 'exit')).toEqual([0, null]);
}, 120_000);

it('watches nothing where it was told not to', async () => {
  const { child, said } = start({ SPILLWAY_BLOCKED_AFTER_MS: '0' });
  await said('ready');
  child.kill('SIGUSR2');
  const until = performance.now() + 4_000;
  await eventually(() => expect(performance.now()).toBeGreaterThan(until));
  expect([child.exitCode, child.signalCode]).toEqual([null, null]);
  child.kill('SIGKILL');
  await once(child, 'exit');
}, 120_000);
