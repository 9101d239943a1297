import { STATUS_CODES, type Server } from 'node:http';
import type { Socket } from 'node:net';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import type { FastifyError, FastifyHttpOptions, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { asProblem, codeForStatus } from './as-problem.ts';
import { ProblemError, PROBLEM_TYPE } from './problem-error.ts';
import { sendProblem } from './problem.filter.ts';

const KIB = 1024;

/** Connections, a file descriptor each; what comes beyond is closed at once instead of slowing all others. */
const MAX_CONNECTIONS = 10_000;

const DEFAULTS = {
  logger: false, // a line for each request costs more than the request
  bodyLimit: 256 * KIB,
  keepAliveTimeout: 65_000, // above the 60 s of usual load balancers: whoever closes first must not be the one that is sent to
  requestTimeout: 30_000, // for a request to arrive whole; a sender that drips frees its connection then
  return503OnClosing: false, // what arrives on an open connection while draining is still answered, with `connection: close`
  forceCloseConnections: 'idle',
  routerOptions: { maxParamLength: 512 }, // longer than any id of ours; cursors are in the query
} as const;

const HTTP = {
  maxHeaderSize: 16 * KIB,
  headersTimeout: 20_000,
  connectionsCheckingInterval: 5_000, // how often the two timeouts are looked at; Node's own 30 s would double them
} as const;

export type HttpOptions = FastifyHttpOptions<Server> & { maxConnections?: number };

/** Nest's adapter with limits on everything a stranger can make long, and errors as problem documents down to the socket. */
export const fastifyAdapter = ({ maxConnections = MAX_CONNECTIONS, ...options }: HttpOptions = {}): FastifyAdapter => {
  const adapter = new FastifyAdapter({
    ...DEFAULTS,
    ...options,
    http: { ...HTTP, ...options.http },
    skipMiddie: true, // no Express middleware: its layer costs something for every request
    clientErrorHandler,
    frameworkErrors: (error: FastifyError, _: FastifyRequest, reply: FastifyReply) => sendProblem(reply, asProblem(error)),
  });
  const fastify = adapter.getInstance<FastifyInstance>();
  fastify.server.maxConnections = maxConnections;
  fastify.removeContentTypeParser(['text/plain', 'application/json']);
  fastify.addContentTypeParser('application/json', { parseAs: 'string' }, (_, body, done) => {
    try {
      done(null, parseJson(body as string));
    } catch (error) {
      done(error as Error);
    }
  });
  return adapter;
};

/** `{"__proto__": …}` would become the prototype of whatever the body is assigned to. Apps that pass bodies on unread bring a parser of their own. */
const refuseProto = (key: string, value: unknown): unknown => {
  if (key === '__proto__') throw new SyntaxError('a member must not be named __proto__');
  return value;
};

const parseJson = (text: string): unknown => {
  if (text === '') return undefined;
  const suspicious = text.includes('__proto__') || text.includes(String.raw`\u`); // it can be spelled with escapes; looking at every key costs fivefold
  try {
    return suspicious ? JSON.parse(text, refuseProto) : JSON.parse(text);
  } catch (error) {
    throw new ProblemError(400, 'malformed_json', `the body is not JSON: ${(error as Error).message}`);
  }
};

const STATUS_OF_CLIENT_ERROR: Readonly<Record<string, number>> = { HPE_HEADER_OVERFLOW: 431, ERR_HTTP_REQUEST_TIMEOUT: 408 };

/** What is not even HTTP reaches no route; the answer is written by hand. */
const clientErrorHandler = (error: Error & { code?: string }, socket: Socket): void => {
  if (error.code === 'ECONNRESET' || socket.destroyed || !socket.writable) return void socket.destroy();
  const status = STATUS_OF_CLIENT_ERROR[error.code ?? ''] ?? 400;
  const { problem } = new ProblemError(status, status === 400 ? 'malformed_request' : codeForStatus(status), `the request could not be read: ${error.message}`);
  const body = JSON.stringify(problem);
  const head = `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\ncontent-type: ${PROBLEM_TYPE}\r\ncontent-length: ${Buffer.byteLength(body)}\r\nconnection: close\r\n\r\n`;
  socket.end(head + body, () => socket.destroy());
};
