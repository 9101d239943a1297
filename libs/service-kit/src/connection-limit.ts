import type { Server } from 'node:http';
import type { Socket } from 'node:net';
import { anyRouteProblem } from './any-route-problems.ts';
import { reserveForProbes } from './probe-reserve.ts';
import type { ProblemError } from './problem-error.ts';
import { closeWithProblem } from './raw-problem.ts';

/** Unless an app says otherwise. A file descriptor each, and idle some 10 KiB. */
const CONNECTIONS_MAX = 10_000;
/** So many may hear at once that there is no room; beyond them a connection is closed without a word, by the kernel's side of Node. */
const TOLD_AT_ONCE_MAX = 256;

/** How many connections there are, and how many were one too many. */
export type ConnectionCount = { readonly open: number; readonly max: number; readonly refused: number };

/**
 * Each costs a file descriptor and some KiB, whoever it is and whatever it says. What comes beyond the limit is told so and closed: a balancer then tries the
 * next ingest, where a connection that just closes looks like a crash. Only a question about health is answered.
 */
export const limitConnections = (server: Server, max = CONNECTIONS_MAX): ConnectionCount => {
  const count = { open: 0, max, refused: 0 };
  const serve = server.listeners('connection') as ((this: Server, socket: Socket) => void)[];
  server.removeAllListeners('connection');
  server.maxConnections = max + TOLD_AT_ONCE_MAX;
  server.on('drop', () => (count.refused += 1));
  const beyond = reserveForProbes(server, max, (socket) => {
    count.refused += 1;
    closeWithProblem(socket, tooMany(max));
  });
  server.on('connection', (socket: Socket) => {
    if (count.open >= max) return beyond(socket);
    count.open += 1;
    socket.once('close', () => (count.open -= 1));
    for (const each of serve) each.call(server, socket);
  });
  return count;
};

const tooMany = (max: number): ProblemError => anyRouteProblem('too_many_connections', `${max} connections are open, and no more are taken`, { maxConnections: max }, { 'retry-after': '5' });
