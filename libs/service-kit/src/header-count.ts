import type { IncomingMessage, Server } from 'node:http';
import type { FastifyInstance } from 'fastify';
import { anyRouteProblem } from './any-route-problems.ts';

/** More than any honest request has, proxies' additions included. */
export const HEADERS_MAX = 100;

/** Node's own bound drops what is over it without a word, perhaps the header that mattered: it is set one higher, so that too many can be told. */
export const boundHeaders = (server: Server, fastify: FastifyInstance): void => {
  server.maxHeadersCount = HEADERS_MAX + 1;
  fastify.addHook('onRequest', (request, _reply, done) => {
    done(hasTooManyHeaders(request.raw) ? anyRouteProblem('headers_too_large', `a request may have at most ${HEADERS_MAX} headers`, { maxHeaders: HEADERS_MAX }) : undefined);
  });
};

/** Names and values take turns in `rawHeaders`. */
export const hasTooManyHeaders = ({ rawHeaders }: IncomingMessage): boolean => rawHeaders.length > 2 * HEADERS_MAX;
