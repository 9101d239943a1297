import type { IncomingMessage, ServerResponse } from 'node:http';
import { asProblem, ProblemError, type requestDurations } from '@spillway/service-kit';
import type { Logger } from '@spillway/telemetry';
import type { Acceptance } from '../acceptance.ts';
import type { KeyLimit } from '../admission/key-rates.ts';
import type { Admitted, FrontDoor } from '../admission/front-door.ts';
import { readEnvelope } from '../event/envelope.ts';
import { readIdempotencyKey } from '../event/event-id.ts';
import { answerJson, answerProblem } from './answer.ts';
import { readBody } from './request-body.ts';

type Durations = ReturnType<typeof requestDurations>;

/**
 * `POST /v1/events`, on Node's own request and answer: admit by the head, read the body within its bound, accept, answer.
 * Everything that a framework would do for each request is left out (37 instead of 50 µs a request); its errors are the same problem documents.
 */
export class EventsEndpoint {
  private readonly record: ReturnType<Durations>;

  constructor(
    private readonly door: FrontDoor,
    private readonly acceptance: Acceptance,
    durations: Durations,
    private readonly log: Pick<Logger, 'error'>,
  ) {
    this.record = durations('POST', '/v1/events');
  }

  /**
   * @param response gets its answer from here, whatever happens
   * @param isMeasured by whoever called
   */
  handle(request: IncomingMessage, response: ServerResponse, isMeasured: boolean): void {
    const startedAt = performance.now();
    let admitted: Admitted | undefined;
    // `close` is said of both: the answer is out, or the client is gone
    response.once('close', () => {
      admitted?.leave();
      if (!isMeasured && response.headersSent) this.record(response.statusCode, (performance.now() - startedAt) / 1_000);
    });
    try {
      admitted = this.door.admit(request.headers);
      if (request.headers.expect?.toLowerCase() === '100-continue') response.writeContinue();
      this.take(request, response, admitted);
    } catch (error) {
      this.refuse(request, response, error);
    }
  }

  private take(request: IncomingMessage, response: ServerResponse, { principal, bytesMax, limit }: Admitted): void {
    readBody(request, bytesMax, (fault, body) => {
      try {
        if (fault) throw fault;
        const key = readIdempotencyKey(request.headers['idempotency-key']);
        this.acceptance.accept(readEnvelope(body), principal, key).then(
          (id) => answerJson(response, 202, `{"id":"${id}"}`, limit?.headers()),
          (error: unknown) => this.refuse(request, response, error, limit),
        );
      } catch (error) {
        this.refuse(request, response, error, limit);
      }
    });
  }

  private refuse(request: IncomingMessage, response: ServerResponse, error: unknown, limit?: KeyLimit): void {
    const problem = asProblem(error);
    if (problem.status >= 500 && !(error instanceof ProblemError)) this.log.error({ err: error, ...problem.extra, method: request.method, url: request.url }, 'a request failed');
    answerProblem(request, response, problem, limit?.headers());
  }
}
