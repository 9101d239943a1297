import { anyRouteProblem } from './any-route-problems.ts';
import type { HttpSocket } from './connections.ts';
import type { ProblemError } from './problem-error.ts';
import { closeWithProblem, hangUp } from './raw-problem.ts';

/** By Node's code for it; all else is no HTTP. */
const CODES: Readonly<Record<string, 'headers_too_large' | 'request_timeout'>> = { HPE_HEADER_OVERFLOW: 'headers_too_large', ERR_HTTP_REQUEST_TIMEOUT: 'request_timeout' };

/** Node tells of a broken connection once for each chunk that still comes. */
const told = new WeakSet<HttpSocket>();

/** What is not even HTTP, or does not arrive in time, reaches no route; the answer is written by hand. */
export const clientErrorHandler = (error: Error & { code?: string }, socket: HttpSocket): void => {
  if (told.has(socket)) return;
  told.add(socket);
  if (error.code === 'ECONNRESET') return void socket.destroy();
  inTurn(socket, anyRouteProblem(CODES[error.code ?? ''] ?? 'malformed_request', `the request could not be read: ${error.message}`));
};

/** Answers go out in the order of the requests. Written at once this one would be taken for the answer to an earlier request that is still being stored. */
const inTurn = (socket: HttpSocket, problem: ProblemError): void => {
  const earlier = socket['_httpMessage'];
  if (socket.destroyed || !socket.writable) return void socket.destroy();
  if (earlier?.req.complete) earlier.once('finish', () => inTurn(socket, problem));
  else if (earlier?.headersSent) hangUp(socket); // refused while it was still coming: it has its answer
  else closeWithProblem(socket, problem);
};
