import type { LoggerService } from '@nestjs/common';
import type { Logger } from '@spillway/telemetry';

/** Nest's own lines in ours. What it says about a start that goes well ("mapped route …") is for debugging. */
export class NestLog implements LoggerService {
  constructor(private readonly to: Logger) {}

  log(message: unknown, ...rest: unknown[]): void {
    this.to.debug(fields(message, rest), text(message));
  }

  debug(message: unknown, ...rest: unknown[]): void {
    this.to.debug(fields(message, rest), text(message));
  }

  verbose(message: unknown, ...rest: unknown[]): void {
    this.to.trace(fields(message, rest), text(message));
  }

  warn(message: unknown, ...rest: unknown[]): void {
    this.to.warn(fields(message, rest), text(message));
  }

  error(message: unknown, ...rest: unknown[]): void {
    this.to.error(fields(message, rest), text(message));
  }

  fatal(message: unknown, ...rest: unknown[]): void {
    this.to.fatal(fields(message, rest), text(message));
  }
}

const text = (message: unknown): string => (message instanceof Error ? message.message : String(message));

/** Nest puts the name of who speaks last, and a stack before it when there is one. */
const fields = (message: unknown, rest: readonly unknown[]): Record<string, unknown> => {
  const stack = rest.length > 1 ? rest[0] : undefined;
  return { from: rest.at(-1), ...(message instanceof Error ? { err: message } : stack === undefined ? {} : { stack }) };
};
