import { connect, type Socket } from 'node:net';
import { readFileSync } from 'node:fs';
import { eventually, onPlane, type Plane } from '@spillway/testing';

const SLOW = 1_000;
const HONEST_EVENTS = 300;
const REQUEST_TIMEOUT_MS = 15_000;
/**
 * A connection costs a parser, a socket and two buffers: some 20 KiB, and one with a request under way about as much again. What is announced of a body is no
 * memory yet. Twice that, and what an engine's heap swings by on its own.
 */
const GROWTH_MAX_BYTES = SLOW * 64 * 1024 + 96 * 2 ** 20;

const rssOf = (pid: number): number => Number(/^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))?.[1]) * 1_024;

/** One byte a second, of a head without end or of a body. */
const slow = (port: number, head: string): { socket: Socket; heard: () => string } => {
  const socket = connect(port, '127.0.0.1');
  let heard = '';
  socket.on('data', (chunk) => (heard += chunk.toString('latin1'))).on('error', () => undefined);
  socket.write(head);
  const dripping = setInterval(() => socket.write('x'), 1_000);
  socket.once('close', () => clearInterval(dripping));
  return { socket, heard: () => heard };
};

const openConnections = async (plane: Plane): Promise<number> => {
  const { body } = await plane.ask('GET', `${plane.app('ingest').url}/metrics`);
  return Number(/^http_server_open_connections(?:{.*})? (\d+)$/m.exec(body)?.[1]);
};

it(`${SLOW} slow connections keep no honest client from its 202, cost bounded memory, and are all ended`, async () => {
  const env = { ingest: { SPILLWAY_REQUEST_TIMEOUT_MS: String(REQUEST_TIMEOUT_MS) } };
  await onPlane({ apps: { console: 0, dedupe: 0, dispatcher: 0 }, env }, async (plane) => {
    const ingest = plane.app('ingest');
    const event = { tenant: 'honest', type: 'a.b', data: { n: 1 } };
    for (let n = 0; n < HONEST_EVENTS; n += 1) expect((await plane.send(event)).status).toBe(202); // warm
    const [pid, before] = [ingest.pid, rssOf(ingest.pid)];
    const port = Number(new URL(ingest.url).port);
    const heads = [
      'POST /v1/events HTTP/1.1\r\nhost: x\r\nx-never: ',
      `POST /v1/events HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${plane.adminKey}\r\ncontent-type: application/json\r\ncontent-length: 5000\r\n\r\n`,
    ];
    const clients = Array.from({ length: SLOW }, (_, n) => slow(port, heads[n % 2] as string));
    await eventually(async () => expect(await openConnections(plane)).toBeGreaterThanOrEqual(SLOW));
    const statuses = new Set<number>();
    let most = 0;
    for (let n = 0; n < HONEST_EVENTS; n += 1) {
      statuses.add((await plane.send(event)).status);
      most = Math.max(most, rssOf(pid));
    }
    expect(statuses).toEqual(new Set([202]));
    process.stdout.write(`${SLOW} slow connections: ${Math.round(before / 2 ** 20)} MiB before, at most ${Math.round(most / 2 ** 20)} MiB with them\n`);
    expect(most - before).toBeLessThan(GROWTH_MAX_BYTES);
    await eventually(() => expect(clients.filter(({ socket }) => !socket.closed)).toEqual([]), 10 * REQUEST_TIMEOUT_MS);
    expect(clients.filter(({ heard }) => !heard().startsWith('HTTP/1.1 408 '))).toEqual([]);
    await eventually(async () => expect(await openConnections(plane)).toBeLessThan(20));
    expect(ingest.pid).toBe(pid);
  });
});
