import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startPlane, type Plane } from '@spillway/testing';

let plane: Plane;
const folder = mkdtempSync(join(tmpdir(), 'spillway-demo-'));

beforeAll(async () => {
  plane = await startPlane({ apps: { retrier: 1 } });
});
afterAll(async () => {
  await plane.stop();
  rmSync(folder, { recursive: true, force: true });
});

type Ended = { code: number | null; output: string };

/** As `npm start` writes it. */
const tell = (profile: object): void => writeFileSync(join(folder, 'cli.json'), JSON.stringify(profile));
const profile = () => ({ console: plane.app('console').url, ingest: plane.app('ingest').url, key: plane.adminKey });

/** `npm run demo`, less npm. */
const demo = (dataFolder = folder): Promise<Ended> =>
  new Promise((resolve) => {
    const child = spawn(process.execPath, [join(import.meta.dirname, '..', 'tools', 'demo.mjs')], { env: { PATH: process.env['PATH'], SPILLWAY_DATA_DIR: dataFolder }, stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text: string) => (output += text));
    child.once('close', (code) => resolve({ code, output }));
  });

const endpoints = async (): Promise<unknown[]> => (JSON.parse((await plane.ask('GET', `${plane.app('console').url}/v1/tenants/demo/endpoints`)).body) as { items: unknown[] }).items;

it('shows a signed delivery, retries, a circuit and duplicates, each as promised, and leaves no endpoint behind', async () => {
  tell(profile());
  const { code, output } = await demo();
  expect([code, output]).toEqual([0, expect.stringContaining('All of it went as promised.')]);
  for (const said of ['its signature is right', 'byte for byte', 'its circuit is open', 'a probe found it', 'delivered once']) expect(output).toContain(said);
  // on a slow machine it may be over before anybody looks, and the demo says so
  expect(output).toMatch(/the calendar has its retry at 20|its retry has come already/);
  expect(await endpoints()).toEqual([]);
});

it('says what failed, exits 1 and takes back what it made', async () => {
  // the console has no such route: so the endpoint is made, and the event is not accepted
  tell({ ...profile(), ingest: profile().console });
  const { code, output } = await demo();
  expect(code).toBe(1);
  expect(output).toMatch(/endpoint ep_\S+ is made[^]*The demo FAILED at "An event, delivered and signed": ingest answered 404 not_found/);
  expect(await endpoints()).toEqual([]);
});

it('says what to start when nothing runs, and when what runs does not know its key', async () => {
  expect(await demo(join(folder, 'nowhere'))).toMatchObject({ code: 1, output: expect.stringContaining('npm start') });
  tell({ ...profile(), console: 'http://127.0.0.1:9' });
  expect(await demo()).toMatchObject({ code: 1, output: expect.stringContaining('Nobody answers at http://127.0.0.1:9') });
  tell({ ...profile(), key: 'wrong' });
  expect(await demo()).toMatchObject({ code: 1, output: expect.stringMatching(/FAILED .*401 unauthenticated/) });
});
