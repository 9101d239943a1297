import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { eventually } from '@spillway/testing';
import { spillway, startRunningPlane } from '../test/running-plane.ts';

type Running = Awaited<ReturnType<typeof startRunningPlane>>;

let running: Running;
beforeAll(async () => {
  running = await startRunningPlane();
}, 120_000);
afterAll(() => running.stop());

const json = <T>(args: readonly string[]): Promise<T> => running.json<T>(args);

it('makes, shows, changes, disables and deletes an endpoint', async () => {
  type Endpoint = { id: string; secret: string; enabled: boolean; types?: string[]; maxInFlight?: number };
  const url = 'http://127.0.0.1:9/hook';
  const { id, secret } = await json<Endpoint>(['endpoints', 'create', url, '-t', 'acme', '--type', 'invoice.*,order.**', '--uid', 'crm', '--header', 'x-a: b', '--max-in-flight', '5']);
  expect(secret).toMatch(/^whsec_/);
  expect(await json(['endpoints', 'get', 'crm', '-t', 'acme'])).toMatchObject({ id, url, types: ['invoice.*', 'order.**'], headers: { 'x-a': 'b' }, maxInFlight: 5 });
  expect(await json(['endpoints', 'secret', id, '-t', 'acme'])).toEqual({ secret });
  expect((await json<Endpoint>(['endpoints', 'update', 'crm', '-t', 'acme', '--all-types', '--max-in-flight', '7'])).types).toBeUndefined();
  expect((await json<Endpoint>(['endpoints', 'disable', 'crm', '-t', 'acme'])).enabled).toBe(false);
  const { out } = await running.run(['endpoints', 'list', '--tenant', 'acme']);
  expect(out.split('\n')[0]).toMatch(/^ID +UID +ENABLED +TYPES +URL$/);
  expect(out).toMatch(new RegExp(`${id} +crm +no +\\*\\* +${url}`));
  expect((await json<Endpoint>(['endpoints', 'enable', 'crm', '-t', 'acme'])).enabled).toBe(true);
  expect(await json(['endpoints', 'test', 'crm', '-t', 'acme'])).toEqual({ id: expect.stringMatching(/^evt_/) });
  expect(await json(['endpoints', 'delete', 'crm', '-t', 'acme'])).toEqual({ deleted: 'crm' });
  expect((await json<{ items: unknown[] }>(['endpoints', 'list', '-t', 'acme'])).items).toEqual([]);
});

it('sets an endpoint’s order, pace and patience, and takes them back', async () => {
  const settings = ['--ordered', '--rate-per-second', '2.5', '--schedule', '1,60', '--timeout-seconds', '5'];
  const { id } = await json<{ id: string }>(['endpoints', 'create', 'http://127.0.0.1:9/hook', '-t', 'pace', ...settings]);
  expect(await json(['endpoints', 'get', id, '-t', 'pace'])).toMatchObject({ ordered: true, ratePerSecond: 2.5, schedule: [1, 60], timeoutSeconds: 5 });
  const { schedule, ratePerSecond, ordered, timeoutSeconds } = await json<Record<string, unknown>>(['endpoints', 'update', id, '-t', 'pace', '--no-ordered', '--default', 'schedule,ratePerSecond']);
  expect([schedule, ratePerSecond, ordered, timeoutSeconds]).toEqual([undefined, undefined, false, 5]);
});

it('sends an event: data from the command, a file or standard input, its bytes untouched', async () => {
  const before = await json<{ streams: { name: string; messages: number }[] }>(['status']);
  const first = await json<{ id: string }>(['send', 'invoice.paid', '-t', 'acme', '--data', '{"n":12345678901234567890,"f":1.0}', '--id', 'one']);
  expect(first.id).toMatch(/^evt_/);
  expect(await json(['send', 'invoice.paid', '-t', 'acme', '--id', 'one', '-d', '{}'])).toEqual(first);
  const { code, out } = await running.run(['send', 'invoice.paid', '-t', 'acme', '--data', '-'], {}, '{"from":"stdin"}');
  expect([code, out]).toEqual([0, expect.stringMatching(/^accepted evt_/)]);
  await eventually(async () => {
    const { streams } = await json<typeof before>(['status']);
    expect(streams.find(({ name }) => name === 'WEBHOOK_INGEST')?.messages).toBe(4); // one is a test event
  });
  const stored = await running.plane.broker.api<{ message: { data: string } }>('STREAM.MSG.GET.WEBHOOK_INGEST', { seq: 2 });
  expect(Buffer.from(stored.message.data, 'base64').toString()).toContain('"data":{"n":12345678901234567890,"f":1.0}');
});

it('shows what waits where, for people too', async () => {
  const { code, out } = await running.run(['status']);
  expect(code).toBe(0);
  for (const what of ['WEBHOOK_INGEST', 'dedupe-fresh', 'calendar', 'LANE']) expect(out).toContain(what);
  expect(out).toMatch(/DEDUPE BY +STATE +REMEMBERS IDS +RULES BY CONTENT\n- /); // none has ever run
});

it('shows which index dedupe goes by', async () => {
  const said = { index: 'redis', state: 'degraded', why: 'away', windowSeconds: 86_400, contentRules: true, at: '2026-01-01T00:00:00.000Z' };
  running.plane.broker.nc.publish('$KV.webhook_control.dedupe-index', JSON.stringify(said));
  await eventually(async () => expect((await json<{ dedupe: unknown }>(['status'])).dedupe).toEqual(said));
  expect((await running.run(['status'])).out).toMatch(/\nredis +degraded: away +1 d 0 h +yes/);
});

it('exits 1 with the service’s own words when it is refused', async () => {
  const refused = await running.run(['endpoints', 'create', 'https://localhost/', '-t', 'acme', '--description', 'x'.repeat(501)]);
  expect([refused.code, refused.out]).toEqual([1, '']);
  expect(refused.err).toContain('description: wanted at most 500 characters');
  const machine = await running.run(['endpoints', 'get', 'nobody', '-t', 'acme', '--json']);
  expect([machine.code, JSON.parse(machine.err)]).toMatchObject([1, { status: 404, problem: { code: 'unknown_endpoint' } }]);
  const wrongKey = await running.run(['status'], { SPILLWAY_KEY: 'spk_wrong' });
  expect([wrongKey.code, wrongKey.err]).toEqual([1, expect.stringContaining('401 unauthenticated')]);
});

it('exits 1 and names the address when nobody answers', async () => {
  const { code, err } = await running.run(['status'], { SPILLWAY_URL: 'http://127.0.0.1:1' });
  expect([code, err]).toEqual([1, expect.stringContaining('no answer from http://127.0.0.1:1')]);
});

it('exits 2 when what was typed makes no sense', async () => {
  for (const args of [['fly'], ['send'], ['send', 'a.b', '-t', 'acme', '--data', '{'], ['endpoints', 'list'], ['endpoints', 'update', 'x', '-t', 'acme'], ['endpoints', 'create', 'x', '-t', 'a', '--max-in-flight', 'many']]) {
    const { code, out, err } = await running.run(args);
    expect([args, code, out]).toEqual([args, 2, '']);
    expect(err).not.toBe('');
  }
  expect((await spillway(['--help'])).code).toBe(0);
});

it('finds the plane by what npm start has written', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'spillway-data-'));
  const { SPILLWAY_URL: console, SPILLWAY_INGEST_URL: ingest, SPILLWAY_KEY: key } = running.env;
  writeFileSync(join(dir, 'cli.json'), JSON.stringify({ console, ingest, key }));
  expect((await spillway(['status'], { SPILLWAY_DATA_DIR: dir })).code).toBe(0);
  expect((await spillway(['send', 'a.b', '-t', 'acme'], { SPILLWAY_DATA_DIR: dir })).code).toBe(0);
  writeFileSync(join(dir, 'cli.json'), '{');
  const { code, err } = await spillway(['status'], { SPILLWAY_DATA_DIR: dir });
  expect([code, err]).toEqual([1, expect.stringContaining('cli.json cannot be read')]);
  rmSync(dir, { recursive: true });
});
