import { createServer, type IncomingMessage, type RequestListener, type Server } from 'node:http';
import type { Socket } from 'node:net';

/** Balancers, supervisors and the watchdog look every few seconds, one connection each; small limits, as tests have them, reserve none. */
const RESERVED_MAX = 16;
const RESERVED_SHARE = 1 / 8;
/** A probe asks as soon as it is connected. Who is slower is told what everybody hears. */
const ASK_WITHIN_MS = 5_000;

const isProbe = ({ method, url = '' }: IncomingMessage): boolean => (method === 'GET' || method === 'HEAD') && (url === '/healthz' || url === '/readyz');

/**
 * What becomes of connections beyond the limit: each may ask one question, whether this process is well. Without that a supervisor restarts, and a balancer
 * gives up, what is only full. Whatever else they ask is refused. They have a parser of their own, so no other route is within their reach. Of those that
 * have not asked yet the oldest makes room for the next: silence cannot hold the reserve.
 */
export const reserveForProbes = (server: Server, connectionsMax: number, refuse: (socket: Socket) => void): ((socket: Socket) => void) => {
  const reserved = Math.min(RESERVED_MAX, Math.floor(connectionsMax * RESERVED_SHARE));
  const silent = new Set<Socket>();
  const refuseSilent = (socket: Socket): void => void (silent.delete(socket) && refuse(socket));
  const answer: RequestListener = (request, response) => {
    if (!isProbe(request)) {
      request.resume(); // else its body stands before the end of the connection
      return refuseSilent(request.socket);
    }
    silent.delete(request.socket);
    response.shouldKeepAlive = false;
    server.emit('request', request, response);
  };
  const parser = createServer({ requireHostHeader: false }, answer); // `head-fault.ts` says so, in words
  parser.on('checkContinue', answer).on('checkExpectation', answer).on('clientError', (_, socket) => refuseSilent(socket as Socket));
  return (socket) => {
    silent.add(socket);
    const late = setTimeout(() => refuseSilent(socket), ASK_WITHIN_MS);
    socket.once('close', () => {
      silent.delete(socket);
      clearTimeout(late);
    });
    const [oldest] = silent;
    if (silent.size > reserved && oldest) refuseSilent(oldest);
    if (silent.has(socket)) parser.emit('connection', socket);
  };
};
