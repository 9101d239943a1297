import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { eventually } from './eventually.ts';
import { freePort } from './free-port.ts';
import { PlaneProcess } from './plane-process.ts';

const dir = mkdtempSync(join(tmpdir(), 'spillway-process-'));
afterAll(() => rmSync(dir, { recursive: true }));

/** An app in little: ready at once, stops on SIGTERM, and ends by itself when told to refuse. */
const APP = `
if (process.env.REFUSE) { console.log('the broker does not sync'); process.exit(3); }
const server = require('node:http').createServer((request, response) => response.writeHead(request.url === '/readyz' ? Number(process.env.READY ?? 200) : 404).end('{"ok":true}'));
server.listen(Number(process.env.PORT), '127.0.0.1', () => console.log('ready as', process.pid));
process.on('SIGTERM', () => process.exit(0));`;

let started = 0;
const appOf = async (env: Record<string, string> = {}): Promise<PlaneProcess> => {
  const port = await freePort();
  const replica = (started += 1);
  return new PlaneProcess({ app: 'stand-in', replica, args: ['-e', APP], cwd: dir, env: { PORT: String(port), ...env }, url: `http://127.0.0.1:${port}`, logFile: join(dir, `${replica}.log`) });
};

it('comes back on the same port after a kill, and keeps its log', async () => {
  const app = await appOf();
  await app.start();
  await app.ready();
  const before = app.pid;
  await app.kill();
  expect(app.running).toBe(false);
  expect(() => app.pid).toThrow('not running');
  await app.restart();
  expect(app.pid).not.toBe(before);
  expect(app.logs()).toContain(`ready as ${before}\nready as ${app.pid}`);
  expect(await app.stop()).toEqual({ code: 0, signal: null });
  expect(await app.stop()).toBeUndefined();
});

it('is silent while frozen, goes on when thawed, and is stopped although frozen', async () => {
  const app = await appOf();
  await app.start();
  await app.ready();
  app.freeze();
  await expect(fetch(`${app.url}/readyz`, { signal: AbortSignal.timeout(300) })).rejects.toThrow('timeout');
  app.thaw();
  await app.ready();
  app.freeze();
  expect(await app.stop()).toEqual({ code: 0, signal: null });
});

it('shows the end of the log of an app that ends instead of getting ready', async () => {
  const app = await appOf({ REFUSE: 'yes' });
  await app.start();
  await expect(app.ready()).rejects.toThrow(/ended instead of getting ready\nthe broker does not sync/);
  expect(await app.ended()).toEqual({ code: 3, signal: null });
});

it('says why an app that answers is not ready', async () => {
  const app = await appOf({ READY: '503' });
  await app.start();
  await eventually(async () => expect((await app.readiness()).status).toBe(503));
  await expect(app.ready(100)).rejects.toThrow('is not ready: 503 {"ok":true}');
  await app.kill();
});

it('leaves no app behind when the process that started it is killed', async () => {
  const port = await freePort();
  const spec = { app: 'stand-in', replica: 0, args: ['-e', APP], cwd: dir, env: { PORT: String(port) }, url: `http://127.0.0.1:${port}`, logFile: join(dir, 'orphan.log') };
  const script = `import { PlaneProcess } from '@spillway/testing';
    const app = new PlaneProcess(${JSON.stringify(spec)}); await app.start(); await app.ready(); console.log(String(app.pid)); setInterval(() => {}, 1000);`;
  const hook = new URL('../../../tools/swc-hook.mjs', import.meta.url).href;
  const owner = spawn(process.execPath, ['--conditions=@spillway/source', '--import', hook, '--input-type=module', '-e', script], { cwd: import.meta.dirname });
  let said = '';
  // a line, not a chunk: its end may come later than its beginning
  const pid = await new Promise<number>((done) => owner.stdout.on('data', (chunk: Buffer) => (said += chunk.toString()).endsWith('\n') && done(Number(said))));
  expect(isRunning(pid)).toBe(true);
  owner.kill('SIGKILL');
  await eventually(() => expect(isRunning(pid)).toBe(false));
});

const isRunning = (pid: number): boolean => {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
};
