import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { startBroker, type TestBroker } from './broker.ts';
import { eventually } from './eventually.ts';

let broker: TestBroker;
beforeAll(async () => {
  broker = await startBroker();
});
afterAll(() => broker.stop());

/** The protocol is text: what the server says first, and after the lines given. */
const talk = (url: string, say: string, until: RegExp, timeoutMs = 10_000) =>
  new Promise<string>((done, fail) => {
    const { hostname, port } = new URL(`nats://${url}`);
    let heard = '';
    const socket = connect(Number(port), hostname, () => socket.write(say));
    socket.setTimeout(timeoutMs, () => socket.destroy(new Error(`silence after ${heard}`)));
    socket.on('error', fail).on('data', (chunk) => {
      heard += chunk.toString();
      if (!until.test(heard)) return;
      socket.destroy();
      done(heard);
    });
  });

const ask = (subject: string, body: string) =>
  talk(broker.url, `CONNECT {"verbose":false}\r\nSUB box 1\r\nPUB ${subject} box ${body.length}\r\n${body}\r\n`, /MSG box[^]*\}\r\n/);

it('syncs every write to disk, and says so on its monitoring port', async () => {
  const told = (await (await fetch(`${broker.monitorUrl}/jsz?config=1`)).json()) as { config: { sync_always: boolean } };
  expect(told.config.sync_always).toBe(true);
  expect(broker.version).toMatch(/^\d+\.\d+\.\d+/);
});

it('comes back on the same ports with the same data after a kill', async () => {
  await ask('$JS.API.STREAM.CREATE.KEPT', JSON.stringify({ name: 'KEPT', subjects: ['kept'] }));
  const before = [broker.url, broker.monitorUrl, broker.pid];
  await broker.kill();
  await expect(talk(broker.url, '', /INFO/)).rejects.toThrow('ECONNREFUSED');
  expect(() => broker.pid).toThrow('not running');
  await broker.restart();
  expect([broker.url, broker.monitorUrl]).toEqual(before.slice(0, 2));
  expect(broker.pid).not.toBe(before[2]);
  expect(await ask('$JS.API.STREAM.INFO.KEPT', '')).toContain('"name":"KEPT"');
});

it('waits for its port when another process has it for the moment', async () => {
  await broker.kill();
  const { hostname, port } = new URL(`nats://${broker.url}`);
  const other = createServer().listen(Number(port), hostname);
  await once(other, 'listening');
  const restarted = broker.restart();
  await eventually(() => expect(broker.log).toContain('address already in use'));
  other.close();
  await restarted;
  expect(await talk(broker.url, '', /INFO/)).toContain('INFO');
});

it('is silent while frozen, and goes on when thawed', async () => {
  broker.freeze();
  await expect(talk(broker.url, 'PING\r\n', /PONG/, 500)).rejects.toThrow('silence');
  broker.thaw();
  expect(await talk(broker.url, 'CONNECT {"verbose":false}\r\nPING\r\n', /PONG/)).toContain('PONG');
});

it('takes lines of configuration, at the start or at a restart', async () => {
  const own = await startBroker({ config: 'max_payload: 4096', jetstream: { sync_interval: '2m' } });
  expect(await talk(own.url, '', /INFO/)).toContain('"max_payload":4096');
  const told = async () => (await (await fetch(`${own.monitorUrl}/jsz?config=1`)).json()) as { config: { sync_always?: boolean } };
  expect((await told()).config.sync_always).toBeFalsy();
  await own.restart({});
  expect((await told()).config.sync_always).toBe(true);
  await own.stop();
  expect(existsSync(own.dir)).toBe(false);
  await own.stop();
});

it('says what the server said when it does not start', async () => {
  await expect(startBroker({ config: 'no such thing {' })).rejects.toThrow(/nats-server ended at once[^]*Parse error/);
});

it('leaves no server behind when the process that started it is killed', async () => {
  const script = `import { startBroker } from '@spillway/testing';
    const broker = await startBroker(); console.log(JSON.stringify([broker.pid, broker.dir])); setInterval(() => {}, 1000);`;
  const hook = new URL('../../../tools/swc-hook.mjs', import.meta.url).href;
  const owner = spawn(process.execPath, ['--conditions=@spillway/source', '--import', hook, '--input-type=module', '-e', script], { cwd: import.meta.dirname });
  const [pid, dir] = await new Promise<[number, string]>((done) => owner.stdout.on('data', (chunk: Buffer) => done(JSON.parse(chunk.toString()) as [number, string])));
  expect(isRunning(pid)).toBe(true);
  owner.kill('SIGKILL');
  await eventually(() => expect([isRunning(pid), existsSync(dir)]).toEqual([false, false]));
});

const isRunning = (pid: number): boolean => {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
};
