import { createLogger } from '@spillway/telemetry';
import { ConfigError } from './config-error.ts';
import { ownProcess } from './loop-watch.ts';

/**
 * The frame of every main.ts: what prevents a start is one line that says what was wrong and what to do, and exit code 1.
 * A stack only for what we did not foresee.
 */
export const boot = async (app: string, start: () => Promise<unknown>): Promise<void> => {
  ownProcess();
  try {
    await start();
  } catch (error) {
    createLogger(app).fatal(reason(error), error instanceof Error ? error.message : String(error));
    process.exit(1); // open connections would keep the process alive
  }
};

const reason = (error: unknown): Record<string, unknown> => {
  if (error instanceof ConfigError) return { code: error.code, faults: error.faults };
  const { code, remediation } = (error ?? {}) as { code?: unknown; remediation?: unknown };
  return remediation === undefined ? { err: error } : { code, remediation };
};
