import { ProblemError } from '@spillway/service-kit';
import type { Batch } from '../event/batch.ts';

/** What became of a batch: a status, a body, and how long to wait before what failed is worth sending again. */
export type BatchAnswer = { status: 202 | 207; text: string; headers: Record<string, string> };

const RETRY_AFTER = 'retry-after';

const retryAfterOf = ({ headers }: ProblemError): number | undefined => (headers[RETRY_AFTER] === undefined ? undefined : Number(headers[RETRY_AFTER]));

/** Ids hold nothing that JSON would escape. */
const resultText = (result: string | ProblemError): string => {
  if (typeof result === 'string') return `{"status":202,"id":"${result}"}`;
  return JSON.stringify({ status: result.status, retryAfterSeconds: retryAfterOf(result), problem: result.problem });
};

/** In the order of the events. An answer cannot have a header for each: so each says for itself when to come again, and the header when all of them may. */
export const batchAnswer = (results: Batch<string>): BatchAnswer => {
  const waits = results.flatMap((result) => (typeof result === 'string' ? [] : (retryAfterOf(result) ?? [])));
  const isAll = results.every((result) => typeof result === 'string');
  return {
    status: isAll ? 202 : 207,
    text: `{"results":[${results.map(resultText).join(',')}]}`,
    headers: waits.length > 0 ? { [RETRY_AFTER]: String(Math.max(...waits)) } : {},
  };
};
