import { createServer, type IncomingMessage, type RequestListener, type ServerOptions } from 'node:http';
import { headFault, type HttpOptions } from '@spillway/service-kit';
import type { Route } from '../admission/body-form.ts';
import type { EventsEndpoint } from './events-endpoint.ts';

type ServerFactory = NonNullable<HttpOptions['serverFactory']>;
/** What Fastify hands a factory, of what it would have set itself. */
type Settings = { http?: ServerOptions; keepAliveTimeout?: number; requestTimeout?: number; connectionTimeout?: number };

/** The route, when it is spelled plainly. What is refused for its head is refused behind Fastify, in the one place for all routes. */
const plainRoute = (request: IncomingMessage): Route | undefined => {
  const { method, url } = request;
  if (method !== 'POST' || (url !== '/v1/events' && url !== '/v1/events/batch')) return undefined;
  return headFault(request) ? undefined : url;
};

/**
 * The server under Fastify. What is plainly `POST /v1/events`, or its batch, does not go through its router, hooks and reply: 66 instead of 81 µs a request, and
 * that is most of what is sent here (docs/adr/0013). Any other spelling of the route finds its way by the controller, to the same endpoint.
 */
export const withShortcut = (endpoint: EventsEndpoint): ServerFactory => {
  return (fastify, options) => {
    const { http = {}, keepAliveTimeout = 0, requestTimeout = 0, connectionTimeout = 0 } = options as Settings;
    const listener: RequestListener = (request, response) => {
      const route = plainRoute(request);
      if (route === undefined) fastify(request, response);
      else endpoint.handle(route, request, response, false);
    };
    const server = createServer(http, listener);
    server.keepAliveTimeout = keepAliveTimeout;
    server.requestTimeout = requestTimeout;
    server.setTimeout(connectionTimeout);
    // a sender that asks first (`Expect: 100-continue`) hears a refusal before it sends; the endpoint says when to go on
    server.on('checkContinue', (request, response) => {
      if (plainRoute(request) === undefined) response.writeContinue();
      listener(request, response);
    });
    // any other expectation may be ignored (RFC 9110, section 10.1.1); Node alone would answer 417, which nobody documents
    server.on('checkExpectation', listener);
    return server;
  };
};
