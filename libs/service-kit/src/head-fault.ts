import type { IncomingMessage, Server } from 'node:http';
import type { FastifyInstance } from 'fastify';
import { anyRouteProblem } from './any-route-problems.ts';
import type { ProblemError } from './problem-error.ts';

/** More than any honest request has, proxies' additions included. */
const HEADERS_MAX = 100;

/**
 * Node's own bound drops what is over it without a word, perhaps the header that mattered: it is set one higher, so that too many can be told. A missing `Host`
 * it answers by itself, without a word of why: that is left to us (`requireHostHeader`).
 */
export const checkHeads = (server: Server, fastify: FastifyInstance): void => {
  server.maxHeadersCount = HEADERS_MAX + 1;
  fastify.addHook('onRequest', (request, _reply, done) => done(headFault(request.raw)));
};

/** What is wrong with a request's head, whatever it asks for; `undefined`: nothing. For who takes requests past Fastify. */
export const headFault = ({ rawHeaders, headers, httpVersionMinor }: IncomingMessage): ProblemError | undefined => {
  // names and values take turns
  if (rawHeaders.length > 2 * HEADERS_MAX) return anyRouteProblem('headers_too_large', `a request may have at most ${HEADERS_MAX} headers`, { maxHeaders: HEADERS_MAX });
  // RFC 9112, section 3.2
  if (headers.host === undefined && httpVersionMinor > 0) return anyRouteProblem('malformed_request', 'the header Host is missing');
  return undefined;
};
