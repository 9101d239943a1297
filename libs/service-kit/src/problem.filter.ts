import { Catch, type ArgumentsHost, type ExceptionFilter } from '@nestjs/common';
import type { Logger } from '@spillway/telemetry';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { AllowedMethods } from './allowed-methods.ts';
import { noRouteProblem } from './any-route-problems.ts';
import { asProblem } from './as-problem.ts';
import { ProblemError, PROBLEM_TYPE } from './problem-error.ts';

/** Every error that leaves by HTTP leaves as a problem document, whoever raised it: a handler, Nest or Fastify. */
@Catch()
export class ProblemFilter implements ExceptionFilter {
  constructor(private readonly log: Logger, private readonly allowed: AllowedMethods) {}

  catch(error: unknown, host: ArgumentsHost): void {
    const http = host.switchToHttp();
    const request = http.getRequest<FastifyRequest>();
    const problem = request.is404 && !(error instanceof ProblemError) ? this.noRoute(request) : explained(asProblem(error), request);
    if (problem.status >= 500 && !(error instanceof ProblemError)) this.log.error({ err: error, ...problem.extra, method: request.method, url: request.url }, 'a request failed');
    sendProblem(http.getResponse<FastifyReply>(), problem);
  }

  private noRoute({ method, url }: FastifyRequest): ProblemError {
    const path = url.split('?', 1)[0]!;
    const allow = this.allowed.on(path);
    if (allow.length === 0) return noRouteProblem('not_found', `there is nothing at ${path}`);
    return noRouteProblem('method_not_allowed', `${path} takes ${allow.join(', ')}, not ${method}`, {}, { allow: allow.join(', ') });
  }
}

/** Where Fastify's own words leave out what would help. */
const explained = (problem: ProblemError, request: FastifyRequest): ProblemError => {
  if (problem.status === 413 && problem.code === 'payload_too_large' && problem.detail === 'Request body is too large') {
    return new ProblemError(413, problem.code, `the body is larger than ${request.routeOptions.bodyLimit} bytes`, { maxBytes: request.routeOptions.bodyLimit });
  }
  if (problem.code === 'unsupported_media_type' && problem.detail.startsWith('Unsupported Media Type')) {
    return new ProblemError(415, problem.code, `the content type ${JSON.stringify(request.headers['content-type'] ?? '')} is not taken here`);
  }
  return problem;
};

export const sendProblem = (reply: FastifyReply, { status, headers, problem }: ProblemError): void => {
  if (reply.sent || reply.raw.headersSent) {
    reply.raw.destroy(); // an answer that began as a success must not end as one
    return;
  }
  // What is left of a body that was refused unread would have to be read before the next request: rather a new connection.
  if (status === 413) void reply.header('connection', 'close');
  void reply.status(status).headers(headers).type(PROBLEM_TYPE).send(JSON.stringify(problem));
};
