import { randomUUID } from 'node:crypto';
import { HttpException } from '@nestjs/common';
import { ProblemError } from './problem-error.ts';

/** The codes of what Fastify refuses before a handler runs. */
const FASTIFY: Readonly<Record<string, string>> = {
  FST_ERR_CTP_INVALID_JSON_BODY: 'malformed_json',
  FST_ERR_CTP_EMPTY_JSON_BODY: 'malformed_json',
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: 'incomplete_body',
  FST_ERR_CTP_EMPTY_TYPE: 'unsupported_media_type',
  FST_ERR_BAD_URL: 'malformed_url',
};

/** For what comes with a status and no code of its own. */
const BY_STATUS: Readonly<Record<number, string>> = {
  400: 'bad_request',
  401: 'unauthenticated',
  403: 'forbidden',
  404: 'not_found',
  405: 'method_not_allowed',
  406: 'not_acceptable',
  408: 'request_timeout',
  409: 'conflict',
  410: 'gone',
  412: 'precondition_failed',
  413: 'payload_too_large',
  414: 'uri_too_long',
  415: 'unsupported_media_type',
  422: 'invalid_request',
  429: 'rate_limited',
  431: 'headers_too_large',
  500: 'internal',
  501: 'not_implemented',
  503: 'unavailable',
  504: 'timeout',
};

export const codeForStatus = (status: number): string => BY_STATUS[status] ?? (status < 500 ? 'bad_request' : 'internal');

/** Any error as an answer. What we did not foresee keeps its words to itself: they may name files, hosts or data. */
export const asProblem = (error: unknown): ProblemError => {
  if (error instanceof ProblemError) return error;
  const { status, code } = told(error);
  // Below 500 the words are about the request. Above they are ours: shown only when they were chosen for an answer.
  if (status === undefined || status < 400 || (status >= 500 && !(error instanceof HttpException))) return unforeseen();
  return new ProblemError(status, FASTIFY[code ?? ''] ?? codeForStatus(status), (error as Error).message);
};

/** Nest wraps what Fastify threw and keeps the original as the cause. */
const told = (error: unknown): { status?: number; code?: string } => {
  if (error instanceof HttpException) return { status: error.getStatus(), code: codeOf(error.cause) };
  const { statusCode } = (error ?? {}) as { statusCode?: unknown };
  return { status: typeof statusCode === 'number' ? statusCode : undefined, code: codeOf(error) };
};

const codeOf = (error: unknown): string | undefined => {
  const { code } = (error ?? {}) as { code?: unknown };
  return typeof code === 'string' ? code : undefined;
};

/** `instance` is also in the log line, so that who was answered can be helped. */
const unforeseen = (): ProblemError =>
  new ProblemError(500, 'internal', 'an error on our side; it is in our log under this instance', { instance: `urn:uuid:${randomUUID()}` });
