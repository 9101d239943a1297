import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';

/** Listens, and never accepts: the thread stands still. The kernel takes connections until the backlog is full. */
const LISTENER = `
const server = require('node:net').createServer().listen({ port: 0, host: '127.0.0.1', backlog: 1 }, () => {
  process.stdout.write(String(server.address().port), () => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0));
});`;

/** Judged after the sockets were looked at: a timer alone comes first when this process stood still, and would take one that is connected for one that is not. */
const connects = (socket: Socket, withinMs: number): Promise<boolean> =>
  new Promise((resolve) => {
    const timer = setTimeout(() => setImmediate(() => resolve(!socket.connecting)), withinMs);
    socket.once('connect', () => {
      clearTimeout(timer);
      resolve(true);
    });
  });

/** An address that does not answer SYNs: a listener whose backlog is full. Nothing outside this machine is needed for it. */
export const startSynBlackHole = async (): Promise<{ url: string; stop(): Promise<void> }> => {
  const child = spawn(process.execPath, ['-e', LISTENER], { stdio: ['ignore', 'pipe', 'inherit'] });
  const [port] = (await once(child.stdout, 'data')) as [Buffer];
  const filling: Socket[] = [];
  do {
    filling.push(connect(Number(port.toString()), '127.0.0.1').on('error', () => {}));
  } while (await connects(filling.at(-1)!, 300));
  return {
    url: `http://127.0.0.1:${port.toString()}/hook`,
    stop: async () => {
      for (const socket of filling) socket.destroy();
      child.kill('SIGKILL');
      await once(child, 'exit');
    },
  };
};
