import type { Server } from 'node:http';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import type { FastifyError, FastifyHttpOptions, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { asProblem } from './as-problem.ts';
import { clientErrorHandler } from './client-error.ts';
import { checkHeads } from './head-fault.ts';
import { ProblemError } from './problem-error.ts';
import { sendProblem } from './problem.filter.ts';

const KIB = 1024;

const DEFAULTS = {
  logger: false, // a line for each request costs more than the request
  bodyLimit: 256 * KIB,
  keepAliveTimeout: 65_000, // above the 60 s of usual load balancers: whoever closes first must not be the one that is sent to
  requestTimeout: 30_000, // for a request to arrive whole; a sender that drips frees its connection then
  connectionTimeout: 60_000, // neither sent nor read anything for so long while an answer is due: a client that never reads would be kept for ever
  return503OnClosing: false, // what arrives on an open connection while draining is still answered, with `connection: close`
  forceCloseConnections: 'idle',
  routerOptions: { maxParamLength: 512 }, // longer than any id of ours; cursors are in the query
} as const;

const HTTP = {
  maxHeaderSize: 16 * KIB,
  headersTimeout: 20_000,
  requireHostHeader: false, // `head-fault.ts` says so, in words
  connectionsCheckingInterval: 5_000, // how often the two timeouts are looked at; Node's own 30 s would double them
} as const;

export type HttpOptions = FastifyHttpOptions<Server> & {
  /** What comes beyond is answered with 503 `too_many_connections`. */
  maxConnections?: number;
};

/** Nest's adapter with limits on everything a stranger can make long, and errors as problem documents down to the socket. */
export const fastifyAdapter = (options: Omit<HttpOptions, 'maxConnections'> = {}): FastifyAdapter => {
  const adapter = new FastifyAdapter({
    ...DEFAULTS,
    ...options,
    http: { ...HTTP, ...options.http },
    skipMiddie: true, // no Express middleware: its layer costs something for every request
    clientErrorHandler,
    frameworkErrors: (error: FastifyError, _: FastifyRequest, reply: FastifyReply) => sendProblem(reply, asProblem(error)),
  });
  const fastify = adapter.getInstance<FastifyInstance>();
  checkHeads(fastify.server, fastify);
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
