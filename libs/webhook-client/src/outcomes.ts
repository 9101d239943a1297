import type { FailureKind } from '@spillway/contracts';
import type { Outcome } from '@spillway/delivery';
import { DialFailed } from './dial-failures.ts';
import { AttemptBroken, ForbiddenHeader, OutOfSockets } from './errors.ts';
import type { ReceivedHeaders } from './received.ts';

/** The longest HTTP date has 35 characters; what is longer asks for nothing. */
const RETRY_AFTER_CHARACTERS = 64;

const first = (value: string | string[] | undefined): string | undefined => (Array.isArray(value) ? value[0] : value);

/** The status line alone decides: what comes after it may be late, broken or without end. `flagged` says so. */
export const byStatus = (status: number, headers: ReceivedHeaders, flagged?: string): Outcome => {
  if (status >= 200 && status < 300) return flagged === undefined ? { kind: 'delivered', status } : { kind: 'delivered', status, flagged };
  const reason = status >= 300 && status < 400 ? 'redirect_not_followed' : 'status';
  return { kind: 'failed', reason, status, retryAfter: first(headers['retry-after'])?.slice(0, RETRY_AFTER_CHARACTERS), detail: flagged };
};

export const timedOut = (timeoutMs: number, doing: string): Outcome => ({ kind: 'failed', reason: 'timeout', detail: `${timeoutMs} ms were over while ${doing}` });

export const protocolError = (detail: string): Outcome => ({ kind: 'failed', reason: 'protocol_error', detail });

/** What undici and the system say of a connection on which an attempt was under way and no status line had come. */
const failures: Readonly<Record<string, readonly [FailureKind, string]>> = {
  UND_ERR_SOCKET: ['reset', 'connection closed before an answer'],
  ECONNRESET: ['reset', 'connection reset before an answer'],
  EPIPE: ['reset', 'connection closed before the request was read'],
  ECONNABORTED: ['reset', 'connection aborted before an answer'],
  ETIMEDOUT: ['timeout', 'the connection went silent'],
  EHOSTUNREACH: ['reset', 'the host became unreachable'],
  ENETUNREACH: ['reset', 'the network became unreachable'],
  UND_ERR_HEADERS_OVERFLOW: ['protocol_error', 'the head of the answer is too large'],
  UND_ERR_RES_CONTENT_LENGTH_MISMATCH: ['protocol_error', 'the answer is not as long as it says'],
};

/** undici has one code for a closed connection and for an answer out of turn; only its words tell them apart. */
const answersOutOfTurn: ReadonlySet<string> = new Set(['bad response', 'bad upgrade']);

/** undici leaves the parser's own code out. */
const isParserError = (error: Error): boolean => error.name === 'HTTPParserError';

/** An attempt that ended without a status line. @throws WebhookClientError when the fault is ours */
export const byError = (error: Error & { code?: string }): Outcome => {
  if (error instanceof DialFailed) return { kind: 'failed', reason: error.reason, detail: error.detail };
  if (error instanceof OutOfSockets) throw error;
  if (isParserError(error)) return protocolError('the answer is not HTTP');
  if (answersOutOfTurn.has(error.message)) return protocolError('an answer that nobody asked for');
  const code = error.code ?? '';
  if (code === 'UND_ERR_INVALID_ARG') throw new ForbiddenHeader(error.message, { cause: error });
  if (code.startsWith('ERR_SSL_') || code === 'EPROTO') return { kind: 'failed', reason: 'tls_error', detail: `TLS broke down (${code})` };
  // undici's own doubts about an answer: found by feeding it mutated ones, a 101 without an upgrade was one
  if (code === 'ERR_ASSERTION') return protocolError('an answer that our HTTP client cannot take');
  // what a network or a receiver does always has a code
  if (code === '') throw new AttemptBroken({ cause: error });
  const [reason, detail] = failures[code] ?? ['reset', `connection broke (${code})`];
  return { kind: 'failed', reason, detail };
};
