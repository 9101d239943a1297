import { spawn } from 'node:child_process';
import { linkSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { Start, StandInPlane, until } from './stand-in/run.mjs';

/** @type {StandInPlane} */
let plane;
beforeEach(async () => {
  plane = await StandInPlane.create();
});
afterEach(() => plane.destroy());

/** @param {Parameters<StandInPlane['start']>[0]} [options] */
const refused = async (options) => {
  const start = plane.start(options);
  const exitCode = await start.ended;
  expect(start.output).not.toMatch(/\n\s+at /); // a reason in words, no stack
  return { exitCode, output: start.output };
};

it('says which port is taken and what to set', async () => {
  const server = createServer();
  await new Promise((resolve) => server.listen(plane.portBase + 5, '127.0.0.1', () => resolve(undefined)));
  const { exitCode, output } = await refused();
  server.close();
  expect(exitCode).toBe(1);
  expect(output).toContain(`port ${plane.portBase + 5} (dispatcher) is taken on 127.0.0.1`);
  expect(output).toContain(`SPILLWAY_PORT_BASE=${plane.portBase < 18_080 ? 18_080 : plane.portBase + 100} npm start`);
});

it('says that an address is not this machine’s', async () => {
  const { exitCode, output } = await refused({ env: { SPILLWAY_BIND: '203.0.113.1' } });
  expect(exitCode).toBe(1);
  expect(output).toContain('203.0.113.1 (SPILLWAY_BIND) is no address of this machine');
});

it('says that the data directory cannot be written', async () => {
  writeFileSync(join(plane.folder, 'a-file'), '');
  const { exitCode, output } = await refused({ env: { SPILLWAY_DATA_DIR: join(plane.folder, 'a-file', 'data') } });
  expect(exitCode).toBe(1);
  expect(output).toContain(`The data directory ${join(plane.folder, 'a-file', 'data')} cannot be used: ENOTDIR`);
  expect(output).toContain('set SPILLWAY_DATA_DIR');
});

it('names every fault of the settings at once', async () => {
  const { exitCode, output } = await refused({ args: ['--frehs'], env: { SPILLWAY_PORT_BASE: '80a' } });
  expect(exitCode).toBe(1);
  expect(output).toContain('unknown option --frehs (known: --fresh)');
  expect(output).toContain('SPILLWAY_PORT_BASE is "80a": a whole number from 1 to 65500 is wanted');
});

it('says that this Node is too old, whatever its age', async () => {
  const pretend = `data:text/javascript,Object.defineProperty(process.versions,'node',{value:'18.20.4'})`;
  const { exitCode, output } = await refused({ nodeArgs: ['--import', pretend] });
  expect(exitCode).toBe(1);
  expect(output).toContain('Spillway needs Node 20.0.0 or newer to start; this is Node 18.20.4');
});

it('does not empty a directory that it did not make', async () => {
  mkdirSync(plane.dataFolder);
  writeFileSync(join(plane.dataFolder, 'thesis.tex'), 'years of work');
  const { exitCode, output } = await refused({ args: ['--fresh'] });
  expect(exitCode).toBe(1);
  expect(output).toContain(`--fresh would empty ${plane.dataFolder}, which Spillway did not make`);
});

it('says that NATS_SERVER_BIN is no nats-server', async () => {
  const { exitCode, output } = await refused({ env: { NATS_SERVER_BIN: '/bin/false' } });
  expect(exitCode).toBe(1);
  expect(output).toContain('NATS_SERVER_BIN is /bin/false, which does not answer --version');
});

/** The same binary at another path: a Node that is not the one in node_modules. */
const otherNode = () => {
  const path = join(plane.folder, 'node');
  try {
    linkSync(process.execPath, path);
  } catch {
    symlinkSync(process.execPath, path); // another file system: then there is nothing to re-enter, and the promises hold all the same
  }
  return path;
};

describe('under another Node than the lock’s', () => {
  it('goes on under the lock’s, and stops as one', async () => {
    const start = await plane.ready({ node: otherNode() });
    expect(plane.lock().pid).not.toBe(start.child.pid);
    start.child.kill('SIGTERM');
    expect(await start.ended).toBe(0);
    expect(plane.running()).toEqual([]);
  });

  it('stops when the outer process is killed', async () => {
    const start = await plane.ready({ node: otherNode() });
    plane.lock();
    start.child.kill('SIGKILL');
    await until(() => plane.running().length === 0, () => `still running: ${plane.running().join(', ')}`);
    expect(plane.running()).toEqual([]);
  });
});

it('stops when npm, which started it, is killed', async () => {
  const npm = `require('node:child_process').spawn(process.execPath, process.argv.slice(1), { stdio: 'inherit', env: { ...process.env, npm_lifecycle_event: 'start' } });`;
  const env = { ...process.env, NATS_SERVER_BIN: plane.natsServer, SPILLWAY_DATA_DIR: plane.dataFolder, SPILLWAY_PORT_BASE: String(plane.portBase) };
  const child = spawn(process.execPath, ['-e', npm, join(import.meta.dirname, 'stand-in', 'start.mjs')], { env, stdio: ['ignore', 'pipe', 'pipe'] });
  const start = new Start(child);
  plane.starts.push(start);
  await start.says('Spillway is ready');
  plane.lock();
  child.kill('SIGKILL');
  await start.says('stopping (npm was killed)');
  await until(() => plane.running().length === 0, () => `still running: ${plane.running().join(', ')}`);
  expect(plane.running()).toEqual([]);
});
