import { randomFillSync } from 'node:crypto';

// https://www.w3.org/TR/trace-context/#traceparent-header: version, trace id, parent id, flags, in lower-case hex
const TRACE_BYTES = 16;
const SPAN_BYTES = 8;

/** Random bytes are fetched 4 KiB at a time: a call costs microseconds, 170 traces share it. */
const pool = Buffer.allocUnsafe(4_096);
let used = pool.length;

const randomHex = (bytes: number): string => {
  if (used + bytes > pool.length) {
    randomFillSync(pool);
    used = 0;
  }
  used += bytes;
  return pool.toString('hex', used - bytes, used);
};

/** The beginning of a trace. */
export const newTraceparent = (sampled: boolean): string => `00-${randomHex(TRACE_BYTES)}-${randomHex(SPAN_BYTES)}-${sampled ? '01' : '00'}`;
