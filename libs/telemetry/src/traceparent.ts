import { randomFillSync } from 'node:crypto';

// https://www.w3.org/TR/trace-context/#traceparent-header: version, trace id, parent id, flags, in lower-case hex.
// A later version may go on after the flags; all zeros is no id; ff is no version.
const TRACEPARENT = /^(?!ff)[\da-f]{2}-(?!0{32})[\da-f]{32}-(?!0{16})[\da-f]{16}-[\da-f]{2}(?=$|-)/;
const LENGTH_OF_VERSION_00 = 55;

const TRACE_BYTES = 16;
const SPAN_BYTES = 8;
const SAMPLED = 0x01;

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

const flags = (sampled: boolean): string => (sampled ? '01' : '00');

/** The beginning of a trace. */
export const newTraceparent = (sampled: boolean): string => `00-${randomHex(TRACE_BYTES)}-${randomHex(SPAN_BYTES)}-${flags(sampled)}`;

/** The same trace, one step on. Flags that this version does not know are dropped, as the specification asks. */
export const childTraceparent = (parent: string): string => {
  if (!isTraceparent(parent)) throw new RangeError(`not a traceparent: ${JSON.stringify(parent)}`);
  return `00-${traceIdOf(parent)}-${randomHex(SPAN_BYTES)}-${flags(isSampled(parent))}`;
};

export const isTraceparent = (text: string | undefined): text is string =>
  text !== undefined && TRACEPARENT.test(text) && (text.length === LENGTH_OF_VERSION_00 || !text.startsWith('00'));

/** Of something that `isTraceparent`. */
export const traceIdOf = (traceparent: string): string => traceparent.slice(3, 35);

/** Of something that `isTraceparent`. */
export const isSampled = (traceparent: string): boolean => (Number.parseInt(traceparent.slice(53, 55), 16) & SAMPLED) === SAMPLED;
