import { pino, stdTimeFunctions, type DestinationStream, type Logger } from 'pino';

export type { Logger } from 'pino';

export const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const;

export type LogLevel = (typeof LOG_LEVELS)[number];

/**
 * JSON lines: `{"level":"info","time":"2026-11-22T01:40:30.000Z","app":"ingest","msg":"ready", …}`.
 * Written at once and in order (a crash loses no line), so nothing is logged for each event: what is counted goes to `Metrics`.
 */
export const createLogger = (app: string, level: string = 'info', destination?: DestinationStream): Logger => {
  if (!(LOG_LEVELS as readonly string[]).includes(level)) throw new RangeError(`log level ${JSON.stringify(level)}: wanted one of ${LOG_LEVELS.join(', ')}`);
  const options = {
    level,
    base: { app },
    timestamp: stdTimeFunctions.isoTime,
    formatters: { level: (label: string) => ({ level: label }) }, // people and log stores read words, pino's own are numbers
  };
  return destination ? pino(options, destination) : pino(options);
};
