import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http';
import { asProblem, ProblemError, type requestDurations } from '@spillway/service-kit';
import type { Logger } from '@spillway/telemetry';
import type { Acceptance } from '../acceptance.ts';
import type { KeyLimit } from '../admission/key-rates.ts';
import { isBatch, type BatchForm, type Route, type SingleForm } from '../admission/body-form.ts';
import type { Place } from '../admission/in-flight.ts';
import { noPlace, type Admitted, type FrontDoor } from '../admission/front-door.ts';
import type { Batch } from '../event/batch.ts';
import type { Envelope } from '../event/envelope.ts';
import { assertNoKey, readIdempotencyKey } from '../event/event-id.ts';
import { readMany, readOne } from '../event/read-events.ts';
import { answerJson, answerProblem, type HeaderFields } from './answer.ts';
import { batchAnswer } from './batch-answer.ts';
import { inflate } from './inflate.ts';
import { readBody } from './request-body.ts';

type Answer = { status: number; text: string; headers?: HeaderFields };
type Durations = ReturnType<typeof requestDurations>;

const accepted = (id: string): Answer => ({ status: 202, text: `{"id":"${id}"}` });

const tenantOf = (batch: Batch<Envelope>): string | undefined => {
  const first = batch.find((event) => !(event instanceof ProblemError));
  return first instanceof ProblemError ? undefined : first?.tenant;
};

const assertOwnPlace = (place: Place, tenant: string): void => {
  const refusal = place.own(tenant);
  if (refusal !== undefined) throw noPlace(refusal, tenant, 'requests_in_flight');
};

/**
 * `POST /v1/events` and `/v1/events/batch`, on Node's own request and answer: admit by the head, read the body within its bound, accept, answer.
 * Everything that a framework would do for each request is left out; its errors are the same problem documents.
 */
export class EventsEndpoint {
  private readonly records: Readonly<Record<Route, ReturnType<Durations>>>;

  constructor(
    private readonly door: FrontDoor,
    private readonly acceptance: Acceptance,
    private readonly maxEventBytes: number,
    durations: Durations,
    private readonly log: Pick<Logger, 'error'>,
  ) {
    this.records = { '/v1/events': durations('POST', '/v1/events'), '/v1/events/batch': durations('POST', '/v1/events/batch') };
  }

  /**
   * @param response gets its answer from here, whatever happens
   * @param isMeasured by whoever called
   */
  handle(route: Route, request: IncomingMessage, response: ServerResponse, isMeasured: boolean): void {
    const startedAt = performance.now();
    let admitted: Admitted | undefined;
    let limit: KeyLimit | undefined;
    // `close` is said once, of both: the answer is out, or the client is gone
    response.on('close', () => {
      admitted?.place.leave();
      if (!isMeasured && response.headersSent) this.records[route](response.statusCode, (performance.now() - startedAt) / 1_000);
    });
    try {
      const caller = this.door.identify(route, request.headers);
      ({ limit } = caller);
      admitted = this.door.admit(caller, request.headers);
      if (request.headers.expect?.toLowerCase() === '100-continue') response.writeContinue();
      this.take(request, response, admitted);
    } catch (error) {
      this.refuse(request, response, error, limit);
    }
  }

  private take(request: IncomingMessage, response: ServerResponse, admitted: Admitted): void {
    const { caller: { bytesMax, wire }, place } = admitted;
    readBody(request, wire.bytesMax, (fault, body) => {
      if (fault || !wire.isPacked) return this.answer(request, response, admitted, fault, body);
      place.keep(true);
      inflate(body, bytesMax, (damage, inflated) => {
        place.keep(false);
        this.answer(request, response, admitted, damage, inflated);
      });
    });
  }

  private answer(request: IncomingMessage, response: ServerResponse, admitted: Admitted, fault: Error | undefined, body: Buffer): void {
    const { form, limit } = admitted.caller;
    try {
      if (fault) throw fault;
      const answered = isBatch(form) ? this.many(form, request.headers, body, admitted) : this.one(form, request.headers, body, admitted);
      answered.then(
        ({ status, text, headers }) => answerJson(response, status, text, limit ? limit.headers(headers) : headers),
        (error: unknown) => this.refuse(request, response, error, limit),
      );
    } catch (error) {
      this.refuse(request, response, error, limit);
    }
  }

  private one(form: SingleForm, headers: IncomingHttpHeaders, body: Buffer, { caller: { principal }, place }: Admitted): Promise<Answer> {
    const idempotencyKey = readIdempotencyKey(headers['idempotency-key']);
    const envelope = readOne(form, headers, body, principal.tenant);
    assertOwnPlace(place, envelope.tenant);
    return this.acceptance.accept(envelope, principal, idempotencyKey).then(accepted);
  }

  private async many(form: BatchForm, headers: IncomingHttpHeaders, body: Buffer, { caller: { principal, limit }, place }: Admitted): Promise<Answer> {
    assertNoKey(headers['idempotency-key']);
    place.keep(true);
    const batch = await readMany(form, body, principal.tenant, this.maxEventBytes).finally(() => place.keep(false));
    // most are of one tenant; who mixes has his places by the first of them, and his events by each
    const tenant = tenantOf(batch);
    if (tenant !== undefined) assertOwnPlace(place, tenant);
    const refusal = place.hold(batch.length);
    if (refusal !== undefined) throw noPlace(refusal, tenant, 'events_in_flight');
    const results = await this.acceptance.acceptEach(limit ? limit.within(batch) : batch, principal);
    return batchAnswer(results.map((result) => (result instanceof Error ? this.problemOf(result) : result)));
  }

  private refuse(request: IncomingMessage, response: ServerResponse, error: unknown, limit: KeyLimit | undefined): void {
    const problem = this.problemOf(error);
    answerProblem(request, response, problem, limit?.headers(problem.headers));
  }

  /** What we did not foresee is in the log, under the answer's `instance`. */
  private problemOf(error: unknown): ProblemError {
    const problem = asProblem(error);
    if (problem.status >= 500 && !(error instanceof ProblemError)) this.log.error({ err: error, ...problem.extra }, 'an event was not taken, for a reason that is not foreseen');
    return problem;
  }
}
