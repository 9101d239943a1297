import { destination, pino, stdTimeFunctions, type DestinationStream, type Logger } from 'pino';

export type { Logger } from 'pino';

export const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const;

export type LogLevel = (typeof LOG_LEVELS)[number];

/** What waits for a reader that stalls, about 4,000 lines; beyond that lines are dropped. Webhooks do not wait for a log. */
const MAX_WAITING_BYTES = 1_048_576;

let stdout: DestinationStream | undefined;

/** One for the whole process, so that the lines of its loggers stay in order. Flushed when the process exits. */
const standardOutput = (): DestinationStream => (stdout ??= destination({ dest: 1, sync: false, minLength: 0, maxLength: MAX_WAITING_BYTES }));

/**
 * JSON lines: `{"level":"info","time":"2026-11-22T01:40:30.000Z","app":"ingest","msg":"ready", …}`.
 * Nothing is logged for each event: what is counted goes to `Metrics`.
 */
export const createLogger = (app: string, level: string = 'info', to: DestinationStream = standardOutput()): Logger => {
  if (!(LOG_LEVELS as readonly string[]).includes(level)) throw new RangeError(`log level ${JSON.stringify(level)}: wanted one of ${LOG_LEVELS.join(', ')}`);
  return pino(
    {
      level,
      base: { app },
      timestamp: stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) }, // people and log stores read words, pino's own are numbers
    },
    to,
  );
};
