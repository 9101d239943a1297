import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execFile } from 'node:child_process';
import { startPlaneBroker } from '@spillway/jetstream/testing';
import { freePort, PlaneProcess, repositoryRoot } from '@spillway/testing';

const FROM_SOURCE = ['--enable-source-maps', '--conditions=@spillway/source', '--import', join(repositoryRoot(), 'tools/swc-hook.mjs')];

export type Ran = { code: number; out: string; err: string };

/** The CLI as an operator runs it: a process of its own, from source. */
export const spillway = (args: readonly string[], env: Readonly<Record<string, string>> = {}, stdin = ''): Promise<Ran> =>
  new Promise((resolve) => {
    const options = { cwd: tmpdir(), env: { PATH: process.env['PATH'] ?? '', ...env }, timeout: 60_000 };
    const child = execFile(process.execPath, [...FROM_SOURCE, join(repositoryRoot(), 'apps/cli/src/main.ts'), ...args], options, (error, out, err) =>
      resolve({ code: typeof error?.code === 'number' ? error.code : error ? -1 : 0, out, err }),
    );
    child.stdin?.end(stdin);
  });

/** Where each app listens, counted from the port base. */
const PORT_OFFSETS = { dedupe: 4, dispatcher: 5, retrier: 6 } as const;

/** A broker, a console and an ingest, and what else is asked for, each a process of its own; and the environment that leads the CLI to them. */
export const startRunningPlane = async (also: readonly (keyof typeof PORT_OFFSETS)[] = []) => {
  const plane = await startPlaneBroker();
  const dir = mkdtempSync(join(tmpdir(), 'spillway-cli-'));
  const key = `spw_${randomBytes(16).toString('hex')}`;
  const shared = {
    PATH: process.env['PATH'] ?? '',
    NATS_URL: plane.url,
    NATS_MONITOR_URL: plane.monitorUrl,
    SPILLWAY_WORLDS_FILE: plane.worldsFile,
    SPILLWAY_ADMIN_KEY: key,
    SPILLWAY_MASTER_KEY: randomBytes(32).toString('base64'),
    SPILLWAY_ALLOW_NETWORKS: '127.0.0.0/8',
  };
  const app = async (name: string, portOffset: number): Promise<PlaneProcess> => {
    const port = await freePort();
    const args = [...FROM_SOURCE, join(repositoryRoot(), 'apps', name, 'src/main.ts')];
    const started = new PlaneProcess({
      app: name,
      replica: 0,
      args,
      cwd: join(repositoryRoot(), 'apps', name),
      env: { ...shared, SPILLWAY_PORT_BASE: String(port - portOffset) },
      url: `http://127.0.0.1:${port}`,
      logFile: join(dir, `${name}.log`),
    });
    await started.start();
    await started.ready();
    return started;
  };
  const apps = await Promise.all([app('console', 1), app('ingest', 0), ...also.map((name) => app(name, PORT_OFFSETS[name]))] as const);
  const env = { SPILLWAY_URL: apps[0].url, SPILLWAY_INGEST_URL: apps[1].url, SPILLWAY_KEY: key };
  const run = (args: readonly string[], over: Readonly<Record<string, string>> = {}, stdin = ''): Promise<Ran> => spillway(args, { ...env, ...over }, stdin);
  return {
    env,
    plane,
    run,
    /** What it says to machines. It has to end well. */
    json: async <T>(args: readonly string[]): Promise<T> => {
      const { code, out, err } = await run([...args, '--json']);
      expect([args, code, err]).toEqual([args, 0, '']);
      return JSON.parse(out) as T;
    },
    stop: async () => {
      await Promise.all(apps.map((one) => one.stop()));
      await plane.stop();
      rmSync(dir, { recursive: true, force: true });
    },
  };
};
