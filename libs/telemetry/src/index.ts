export type { Counter, Gauge, Histogram, Observe } from './instruments.ts';
export { createLogger, LOG_LEVELS, type Logger, type LogLevel } from './logger.ts';
export { Metrics } from './metrics.ts';
export { attributes, names } from './names.ts';
export type { Labels, Sample } from './series.ts';
export { newTraceparent } from './traceparent.ts';
