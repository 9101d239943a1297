import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startBroker, type TestBroker } from '@spillway/testing';
import { run } from './program.ts';

let server: TestBroker;
let dir: string;
beforeEach(async () => {
  server = await startBroker();
  dir = mkdtempSync(join(tmpdir(), 'spillway-cli-'));
});
afterEach(async () => {
  await server.stop();
  rmSync(dir, { recursive: true });
});

const environment = (): NodeJS.ProcessEnv => ({ NATS_URL: server.url, NATS_MONITOR_URL: server.monitorUrl, SPILLWAY_WORLDS_FILE: join(dir, 'worlds.json') });

const spillway = async (args: string[], env: NodeJS.ProcessEnv = environment()) => {
  let [out, err] = ['', ''];
  const streams = { out: (text: string) => (out += text), err: (text: string) => (err += text), stdin: () => Promise.resolve(Buffer.alloc(0)) };
  const code = await run(args, env, dir, streams);
  return { code, out, err };
};

it('provisions, and has nothing to do the second time', async () => {
  const first = await spillway(['provision']);
  expect(first).toMatchObject({ code: 0, err: '', out: expect.stringMatching(/create stream {2}WEBHOOK_INGEST\ncreate durable dedupe-fresh \(WEBHOOK_INGEST\)[^]*\d+ done\.\n$/) });
  expect(await spillway(['provision'])).toEqual({ code: 0, err: '', out: 'The broker is as the catalogue says: nothing to do.\n' });
  const { out } = await spillway(['provision', '--json']);
  expect(JSON.parse(out)).toMatchObject({ dryRun: false, actions: [], worlds: (JSON.parse(readFileSync(join(dir, 'worlds.json'), 'utf8')) as { streams: object }).streams });
});

it('says what a dry run would do, and does nothing', async () => {
  expect((await spillway(['provision', '--dry-run'])).out).toContain('nothing was changed (--dry-run)');
  expect((await spillway(['streams', '--json'])).out).toContain('"streams": []');
});

it('shows what it changes', async () => {
  await spillway(['provision']);
  const changed = await spillway(['provision'], { ...environment(), SPILLWAY_MAX_BYTES_DEAD: '2GiB', SPILLWAY_MAX_MESSAGES_DEAD: '50' });
  expect(changed.out).toBe('change stream  WEBHOOK_DEAD: max_bytes 1GiB → 2GiB, max_msgs_per_subject 100000 → 50\n1 done.\n');
});

it('refuses with a remedy, exit code 1, and as JSON for machines', async () => {
  await spillway(['provision']);
  await server.stop();
  server = await startBroker();
  const refused = await spillway(['provision']);
  expect([refused.code, refused.out]).toEqual([1, '']);
  expect(refused.err).toMatch(/^spillway: this broker is another world[^]*\nPoint NATS_URL at the broker that holds them/);
  const { code, err } = await spillway(['provision', '--json']);
  expect(code).toBe(1);
  expect(JSON.parse(err)).toMatchObject({ error: expect.stringContaining('another world'), remediation: expect.stringContaining('--adopt WEBHOOK_INGEST') });
});

it('refuses a broker that does not sync, and warns where that is allowed', async () => {
  await server.restart({ jetstream: { sync_interval: '"2m"' } });
  expect(await spillway(['provision'])).toMatchObject({ code: 1, err: expect.stringContaining('syncs to disk every 120 s') });
  const allowed = await spillway(['provision'], { ...environment(), SPILLWAY_ALLOW_UNSYNCED: 'true' });
  expect([allowed.code, allowed.err]).toEqual([0, expect.stringMatching(/^warning: ACKNOWLEDGED EVENTS MAY BE LOST/)]);
});

it('names every fault of the environment at once, exit code 2', async () => {
  const { code, err } = await spillway(['provision'], { ...environment(), SPILLWAY_ALLOW_UNSYNCED: 'perhaps', SPILLWAY_MAX_BYTES_KV: '8GB', SPILLWAY_NATS_REPLICAS: '2' });
  expect(code).toBe(2);
  expect(err).toBe(
    'spillway: the environment is not right:\n' +
      '  SPILLWAY_ALLOW_UNSYNCED is "perhaps", wanted: true or false\n' +
      '  SPILLWAY_MAX_BYTES_KV is "8GB", wanted: a size above 0 such as 64MiB or 8GiB, or a number of bytes\n' +
      '  SPILLWAY_NATS_REPLICAS is "2", wanted: 1, 3 or 5\n',
  );
  expect(await spillway(['provision', '--adopt', 'OTHER'])).toMatchObject({ code: 2, err: expect.stringContaining('wanted one of WEBHOOK_INGEST') });
});

it('says when there is no broker, or not for that user', async () => {
  await server.restart({ config: 'authorization { user: provisioner, password: secret }' });
  expect(await spillway(['streams'])).toMatchObject({ code: 1, err: expect.stringMatching(/no connection to the broker at .*Authorization/i) });
  await server.kill();
  expect(await spillway(['provision'])).toMatchObject({ code: 1, err: expect.stringContaining('ECONNREFUSED') });
  expect(await spillway(['streams'])).toMatchObject({ code: 1, err: expect.stringMatching(/no connection to the broker at 127.0.0.1:\d+: .*refused.*NATS_URL/i) });
});

it('finds the broker of npm start by itself, as its user', async () => {
  const config = 'accounts { SPILLWAY { jetstream: enabled, users: [ { user: provisioner, password: secret } ] } }';
  await server.restart({ config });
  const written = Object.entries({ ...environment(), NATS_USER: 'provisioner', NATS_PASSWORD: 'secret' }).map(([name, value]) => `${name}=${JSON.stringify(value)}`);
  mkdirSync(join(dir, '.spillway'));
  writeFileSync(join(dir, '.spillway', 'env.provisioner'), written.join('\n'));
  expect(await spillway(['provision'], {})).toMatchObject({ code: 0, out: expect.stringContaining('done.') });
});

describe('streams', () => {
  beforeEach(async () => {
    await spillway(['provision']);
  });

  it('shows what is on the broker', async () => {
    const { code, out } = await spillway(['streams']);
    expect(code).toBe(0);
    for (const part of ['WEBHOOK_LEDGER', '4.0 GiB', 'KV_webhook_leases', 'dispatcher-fresh-7', 'calendar']) expect(out).toContain(part);
    expect(JSON.parse((await spillway(['streams', '--json'])).out)).toMatchObject({ missing: [], queues: expect.arrayContaining([expect.objectContaining({ name: 'calendar', waiting: 0 })]) });
  });

  it('shows one stream with its subjects', async () => {
    expect((await spillway(['streams', 'show', 'KV_webhook_keys'])).out).toMatch(/SUBJECT +MESSAGES\n\$KV\.webhook_keys\.marker +1/);
    expect((await spillway(['streams', 'show', 'NONE'])).code).toBe(2);
  });

  it('sets a limit, shows that it was set, and takes it back', async () => {
    expect((await spillway(['streams', 'limit', 'WEBHOOK_DELIVERY', '--max-bytes', '8GiB'])).out).toBe('WEBHOOK_DELIVERY: max_bytes 1GiB → 8GiB\n');
    expect((await spillway(['streams'])).out).toMatch(/WEBHOOK_DELIVERY .* 8\.0 GiB .* bytes/);
    expect((await spillway(['provision'])).out).toContain('nothing to do');
    expect((await spillway(['streams', 'limit', 'WEBHOOK_DELIVERY', '--reset'])).out).toBe('WEBHOOK_DELIVERY: max_bytes 8GiB → 1GiB\n');
  });

  it.each([
    [['WEBHOOK_DELIVERY'], 'wanted --max-bytes'],
    [['WEBHOOK_DELIVERY', '--reset', '--max-bytes', '8GiB'], '--reset alone'],
    [['WEBHOOK_DELIVERY', '--max-bytes', '8GB'], 'wanted a size above 0'],
    [['WEBHOOK_DELIVERY', '--max-messages-per-subject', '0'], 'wanted a whole number above 0'],
    [['WEBHOOK_DELIVERY', '--max-messages-per-subject', '5'], 'has no share per subject; those that have: WEBHOOK_INGEST, WEBHOOK_PARKED, WEBHOOK_DEAD'],
    [['KV_other', '--max-bytes', '8GiB'], 'wanted one of'],
  ])('refuses %j', async (args, why) => {
    expect(await spillway(['streams', 'limit', ...args])).toMatchObject({ code: 2, out: '', err: expect.stringContaining(why) });
  });
});
