import type { IncomingMessage, ServerResponse } from 'node:http';
import { PROBLEM_TYPE, type ProblemError } from '@spillway/service-kit';

const KIB = 1024;

/** So much of a body that nobody wants is read and thrown away, to keep the connection. */
const UNREAD_MAX_BYTES = 256 * KIB;
/** So long a client that is still sending may take to hear the answer. */
const LINGER_MS = 2_000;

/** By name, in lower case. */
export type HeaderFields = Readonly<Record<string, string>>;

export const answerJson = (response: ServerResponse, status: number, text: string, headers?: HeaderFields): void => {
  response.writeHead(status, { 'content-type': 'application/json; charset=utf-8', 'content-length': Buffer.byteLength(text), ...headers });
  response.end(text);
};

export const answerProblem = (request: IncomingMessage, response: ServerResponse, error: ProblemError, headers?: HeaderFields): void => {
  if (response.headersSent) {
    response.destroy(); // an answer that began as a success must not end as one
    return;
  }
  const text = JSON.stringify(error.problem);
  const head = { 'content-type': PROBLEM_TYPE, 'content-length': Buffer.byteLength(text), ...error.headers, ...headers };
  if (request.complete || announcedBytes(request) <= UNREAD_MAX_BYTES) {
    response.writeHead(error.status, head);
    response.end(text);
  } else {
    response.writeHead(error.status, { ...head, connection: 'close' });
    response.write(text);
    linger(request, response);
  }
};

const announcedBytes = ({ headers }: IncomingMessage): number => {
  if (headers['transfer-encoding'] !== undefined) return Number.POSITIVE_INFINITY;
  return Number(headers['content-length'] ?? 0);
};

/**
 * To close a connection on a client that is still sending is to reset it, and a reset takes the answer away before it was read: the client would never
 * learn that it is 413, and send the same again. The answer is complete by its length; what comes meanwhile goes nowhere.
 */
const linger = (request: IncomingMessage, response: ServerResponse): void => {
  const end = (): void => {
    clearTimeout(timer);
    response.end();
  };
  const timer = setTimeout(end, LINGER_MS);
  request.once('end', end).once('close', end).resume();
};
