// Starts the floor pipeline and the bare relay as processes of their own on free ports, each the least it can be.
import { fork, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const here = (name) => fileURLToPath(new URL(name, import.meta.url));

const freePort = async () => {
  const server = net.createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  server.close();
  await once(server, 'close');
  return port;
};

const listening = async (port, what) => {
  for (const deadline = performance.now() + 20_000; performance.now() < deadline; ) {
    const socket = net.connect(port, '127.0.0.1');
    const open = await new Promise((resolve) => socket.on('connect', () => resolve(true)).on('error', () => resolve(false)));
    socket.destroy();
    if (open) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error(`${what} does not listen on ${port} after 20 s`);
};

/** Those that are processes of the pipeline. */
const PIPELINE = ['ingest', 'dedupe', 'dispatch', 'sweep', 'relay'];

/** @param {{ natsServer: string, redisServer: string, receiver?: string, only?: string[] }} parts */
export const startFloor = async ({ natsServer, redisServer, receiver = '', only = PIPELINE }) => {
  const dir = mkdtempSync(join(tmpdir(), 'spillway-floor-'));
  const [natsPort, redisPort, ingestPort, relayPort] = [await freePort(), await freePort(), await freePort(), await freePort()];
  writeFileSync(join(dir, 'nats.conf'), `listen: 127.0.0.1:${natsPort}\njetstream { store_dir: "${dir}", sync_interval: always }\n`);
  const env = { ...process.env, FLOOR_NATS: `127.0.0.1:${natsPort}`, FLOOR_REDIS_PORT: String(redisPort), RECEIVER: receiver };
  const processes = {};
  const run = (name, port) => (processes[name] = fork(here(`${name}.mjs`), { env: { ...env, FLOOR_PORT: String(port ?? 0) }, stdio: ['ignore', 'ignore', 'inherit', 'ipc'] }));
  processes.nats = spawn(natsServer, ['-c', join(dir, 'nats.conf')], { stdio: 'ignore' });
  processes.redis = spawn(redisServer, ['--port', String(redisPort), '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no'], { stdio: 'ignore' });
  const stop = async () => {
    for (const child of Object.values(processes)) {
      if (child.exitCode !== null || child.signalCode !== null) continue;
      child.kill('SIGKILL');
      await once(child, 'exit');
    }
    rmSync(dir, { recursive: true, force: true });
  };
  try {
    await Promise.all([listening(natsPort, 'the floor’s nats-server'), listening(redisPort, 'the floor’s redis-server')]);
    const setup = fork(here('setup.mjs'), { env });
    const [code] = await once(setup, 'exit');
    if (code !== 0) throw new Error(`the floor’s streams could not be made: exit ${code}`);
    const ports = { ingest: ingestPort, relay: relayPort };
    for (const name of only) run(name, ports[name]);
    for (const name of only) if (ports[name]) await listening(ports[name], `the floor’s ${name}`);
  } catch (error) {
    await stop();
    throw error;
  }
  return { ingestPort, relayPort, pids: Object.fromEntries(Object.entries(processes).map(([name, { pid }]) => [name, pid])), stop };
};
