import { Injectable, type CallHandler, type ExecutionContext, type NestInterceptor } from '@nestjs/common';
import { catchError, throwError, type Observable } from 'rxjs';
import { problemOf } from './problems.ts';

/** What our libraries throw leaves as the problem it means to the caller. */
@Injectable()
export class KnownProblems implements NestInterceptor {
  intercept(_: ExecutionContext, next: CallHandler): Observable<unknown> {
    return next.handle().pipe(catchError((error: unknown) => throwError(() => problemOf(error))));
  }
}
