import { allows, type KeyRing, type Principal } from '@spillway/keys';
import type { FastifyInstance, FastifyReply, FastifyRequest, HookHandlerDoneFunction } from 'fastify';
import type { InFlight } from './in-flight.ts';
import { mediaTypeFault } from './media-type.ts';
import { brokerUnavailable, ingestFull, missingScope, payloadTooLarge, unauthenticated, unsupportedMediaType } from './problems.ts';

declare module 'fastify' {
  interface FastifyRequest {
    /** Whose key it was; set on every request that came through the front door. */
    principal?: Principal;
  }
}

export type FrontDoorParts = {
  keys: Pick<KeyRing, 'authenticate' | 'state'>;
  inFlight: InFlight;
  maxEventBytes: number;
  /** Why nothing can be stored right now; `undefined`: it can. */
  brokerFault: () => string | undefined;
};

/**
 * What is asked of a request before a byte of its body is read: whose it is, whether it may send at all, how large it says to be, and whether there is room for
 * it. In Nest a guard would run after the body is in memory, so these stand in Fastify's `onRequest`, on every route below `/v1/`, in this one place.
 */
export class FrontDoor {
  constructor(private readonly parts: FrontDoorParts) {}

  /** By the route's pattern, never by the request's text: `/%761/events` is `/v1/events` to the router. Call it before routes are made. */
  install(fastify: FastifyInstance): void {
    fastify.decorateRequest('principal', undefined);
    const admit = (request: FastifyRequest, reply: FastifyReply, done: HookHandlerDoneFunction): void => this.admit(request, reply, done);
    fastify.addHook('onRoute', (route) => {
      if (route.url.startsWith('/v1/')) route.onRequest = [admit, ...[route.onRequest ?? []].flat()];
    });
    // the bytes as they came: what is delivered is cut out of them
    fastify.removeContentTypeParser('application/json');
    fastify.addContentTypeParser('application/json', { parseAs: 'buffer' }, (_request, body, done) => done(null, body));
  }

  private admit(request: FastifyRequest, reply: FastifyReply, done: HookHandlerDoneFunction): void {
    try {
      request.principal = this.authenticated(request.headers.authorization);
      const fault = mediaTypeFault(request.headers);
      if (fault !== undefined) throw unsupportedMediaType(fault);
      this.enter(request, reply);
      done();
    } catch (error) {
      done(error as Error);
    }
  }

  private authenticated(authorization: string | undefined): Principal {
    const { keys } = this.parts;
    const principal = keys.authenticate(authorization);
    if (!principal) {
      // a key ring that has not seen all keys does not know a wrong one
      if (authorization !== undefined && !keys.state.ready) throw brokerUnavailable(`keys cannot be looked up: ${keys.state.why ?? 'not ready'}`);
      throw unauthenticated(authorization !== undefined);
    }
    if (!allows(principal, 'events:write')) throw missingScope('events:write');
    return principal;
  }

  /** Takes the place until the answer is out or the client is gone, whichever comes first: `close` is said of both. */
  private enter({ headers }: FastifyRequest, reply: FastifyReply): void {
    const { inFlight, maxEventBytes, brokerFault } = this.parts;
    // without a length (chunked) it may come to the limit
    const bytes = Number(headers['content-length'] ?? maxEventBytes);
    if (bytes > maxEventBytes) throw payloadTooLarge(maxEventBytes);
    const fault = brokerFault();
    if (fault !== undefined) throw brokerUnavailable(fault);
    const leave = inFlight.enter(bytes);
    if (!leave) throw ingestFull('as many requests are being answered as this process holds in memory');
    reply.raw.once('close', leave);
  }
}
