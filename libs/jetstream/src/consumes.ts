import { applyDecorators, Catch, UseFilters, type RpcExceptionFilter } from '@nestjs/common';
import { EventPattern } from '@nestjs/microservices';
import { queuesOf, type QueueName } from '@spillway/topology';
import { throwError, type Observable } from 'rxjs';

/** Nest would turn what a handler throws into { status: 'error', message: 'Internal server error' }; the transport must see the error itself. */
@Catch()
class AsThrown implements RpcExceptionFilter<unknown> {
  catch(error: unknown): Observable<never> {
    return throwError(() => error);
  }
}

/** Binds a handler to rows of the catalogue, so a typo is a compile error. */
export const Consumes = (...names: QueueName[]): MethodDecorator => applyDecorators(EventPattern(names), UseFilters(new AsThrown()));

/** The catalogue and the registered handlers disagree. */
export class NotWired extends Error {
  readonly code = 'SPILLWAY_NOT_WIRED';
}

/** Fails the boot when the catalogue and the handlers disagree: a queue nobody drains is a silent backlog. */
export const assertWired = (app: string, handled: ReadonlySet<string>): void => {
  const declared = queuesOf(app);
  const missing = declared.filter((name) => !handled.has(name));
  const unknown = [...handled].filter((name) => !(declared as string[]).includes(name));
  if (missing.length + unknown.length > 0) {
    throw new NotWired(`${app}: no handler for [${missing.join()}], handler without a queue [${unknown.join()}]`);
  }
};
