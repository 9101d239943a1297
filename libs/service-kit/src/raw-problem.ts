import { STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import { PROBLEM_TYPE, type ProblemError } from './problem-error.ts';

/** So long a client that is still sending may take to hear the answer. */
const LINGER_MS = 2_000;

/** An answer without a request to answer: written by hand, and the last on its connection. */
export const closeWithProblem = (socket: Socket, { status, headers, problem }: ProblemError): void => {
  const body = JSON.stringify(problem);
  const fields = { 'content-type': PROBLEM_TYPE, 'content-length': String(Buffer.byteLength(body)), connection: 'close', ...headers };
  const head = Object.entries(fields).map(([name, value]) => `${name}: ${value}\r\n`).join('');
  hangUp(socket, `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\n${head}\r\n${body}`);
};

/**
 * Ends a connection so that what was written arrives. What still comes is read and thrown away until the client has hung up: to close on unread bytes is to
 * reset, and a reset takes the answer away before it was read.
 */
export const hangUp = (socket: Socket, lastWords = ''): void => {
  const lastResort = setTimeout(() => socket.destroy(), LINGER_MS);
  socket.once('close', () => clearTimeout(lastResort)).on('error', () => socket.destroy());
  socket.once('end', () => socket.destroy()).resume();
  socket.end(lastWords);
};
