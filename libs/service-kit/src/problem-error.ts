import { STATUS_CODES } from 'node:http';

/** RFC 9457. `type` stays `about:blank`, so `title` is the status's own phrase and `code` is what programs go by. */
export type Problem = { type: 'about:blank'; title: string; status: number; code: string; detail: string; [extra: string]: unknown };

export const PROBLEM_TYPE = 'application/problem+json';

/**
 * Thrown anywhere in the handling of a request, it becomes the answer. One below 500 has no stack: nobody looks for what the asker did, and of ingest’s time in a flood of
 * refusals an eighth went into writing stacks down (measured).
 */
export class ProblemError extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    readonly detail: string,
    readonly extra: Readonly<Record<string, unknown>> = {},
    readonly headers: Readonly<Record<string, string>> = {},
  ) {
    const { stackTraceLimit } = Error;
    if (status < 500) Error.stackTraceLimit = 0;
    super(detail);
    Error.stackTraceLimit = stackTraceLimit;
    this.name = 'ProblemError';
  }

  /** Extra members never replace the standard ones. */
  get problem(): Problem {
    const { status, code, detail } = this;
    return { ...this.extra, type: 'about:blank', title: STATUS_CODES[status] ?? 'Error', status, code, detail };
  }
}
