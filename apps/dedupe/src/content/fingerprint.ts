import type { Ignored } from './ignored-paths.ts';
import { printWithout } from './ignored-paths.ts';
import { readJson } from './json-tree.ts';

/**
 * What counts of an event: its type and its canonical data, less the ignored paths. Not its id, its times or its source: a producer that sends the same once more gives
 * it new ones. `undefined` for data that is no JSON (it came past ingest): such events have nothing in common.
 */
export const fingerprintOf = (type: string, data: Buffer, ignored: Ignored): string | undefined => {
  try {
    return `${type}\n${printWithout(readJson(data.toString()), [ignored])}`;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
};
