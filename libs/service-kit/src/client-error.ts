import type { HttpSocket } from './connections.ts';
import { codeForStatus } from './as-problem.ts';
import { ProblemError } from './problem-error.ts';
import { closeWithProblem } from './raw-problem.ts';

const STATUS_OF_CLIENT_ERROR: Readonly<Record<string, number>> = { HPE_HEADER_OVERFLOW: 431, ERR_HTTP_REQUEST_TIMEOUT: 408 };

/** Node tells of a broken connection once for each chunk that still comes. */
const told = new WeakSet<HttpSocket>();

/** What is not even HTTP, or does not arrive in time, reaches no route; the answer is written by hand. */
export const clientErrorHandler = (error: Error & { code?: string }, socket: HttpSocket): void => {
  if (told.has(socket)) return;
  told.add(socket);
  if (error.code === 'ECONNRESET') return void socket.destroy();
  const status = STATUS_OF_CLIENT_ERROR[error.code ?? ''] ?? 400;
  inTurn(socket, new ProblemError(status, status === 400 ? 'malformed_request' : codeForStatus(status), `the request could not be read: ${error.message}`));
};

/** Answers go out in the order of the requests. Written at once this one would be taken for the answer to an earlier request that is still being stored. */
const inTurn = (socket: HttpSocket, problem: ProblemError): void => {
  const earlier = socket['_httpMessage'];
  if (socket.destroyed || !socket.writable) return void socket.destroy();
  if (earlier?.req.complete) earlier.once('finish', () => inTurn(socket, problem));
  else if (earlier?.headersSent) socket.destroy(); // refused while it was still coming: it has its answer
  else closeWithProblem(socket, problem);
};
