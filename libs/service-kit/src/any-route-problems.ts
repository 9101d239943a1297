import { raiseFrom, type ProblemTable } from './declared-problems.ts';

/** What a request may hear whatever it asks for, before any route is reached. */
export const anyRouteProblems = {
  malformed_request: { status: 400, means: 'not HTTP, or broken HTTP' },
  request_timeout: { status: 408, means: 'the request did not arrive whole in time' },
  headers_too_large: { status: 431, means: 'headers of too many bytes, or too many of them' },
  too_many_connections: { status: 503, means: 'as many connections are open as may be; nothing was taken', headers: ['retry-after'] },
} as const satisfies ProblemTable;

/** What a request hears that asks for what is not there. */
export const noRouteProblems = {
  malformed_url: { status: 400, means: 'the path cannot be decoded' },
  not_found: { status: 404, means: 'there is nothing at that path' },
  method_not_allowed: { status: 405, means: 'the path takes other methods', headers: ['allow'] },
} as const satisfies ProblemTable;

export const anyRouteProblem = raiseFrom(anyRouteProblems);
export const noRouteProblem = raiseFrom(noRouteProblems);
