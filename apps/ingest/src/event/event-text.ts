import { isUtf8 } from 'node:buffer';
import { invalidEvent, malformedJson, seen } from '../problems.ts';
import { findMember, type Scan } from './json-member.ts';

/** Of `data`; a scalar has 0. Receivers' parsers recurse, most of them to some thousands; 512 is deeper than anybody's invoice. */
export const NESTING_MAX = 512;

/** One event's text in a body: where it lies, and what the scan found in it. */
export type Item = { start: number; end: number; scan: Scan };

/** Makes what we read of a parsed event, and `data` as the bytes it came in. @throws ProblemError 422 */
export type Judge<T> = (event: Record<string, unknown>, data: Uint8Array | undefined) => T;

/** `Buffer.toString` would put U+FFFD for what is no UTF-8, and the judge would see another text than the receivers. */
export const assertUtf8 = (raw: Uint8Array): void => {
  if (!isUtf8(raw)) throw malformedJson('the body is not UTF-8');
};

/** @throws ProblemError 400 malformed_json */
export const parseJson = (text: string): unknown => {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw malformedJson(text.length === 0 ? 'the body is empty' : `the body is not JSON: ${(error as SyntaxError).message}`);
  }
};

/** JSON.parse is the judge of what is JSON; where `data` lies was found by a scan of the bytes, so that 1.0, 1e400 and `__proto__` leave as they came. */
export const readItem = <T>(raw: Buffer, { start, end, scan: { range, tooDeepIn } }: Item, judge: Judge<T>): T => {
  if (tooDeepIn !== undefined) throw invalidEvent([{ field: tooDeepIn || 'body', wanted: `nesting of at most ${NESTING_MAX}` }]);
  const event = parseJson(raw.toString('utf8', start, end));
  if (typeof event !== 'object' || event === null || Array.isArray(event)) throw invalidEvent([{ field: 'body', wanted: 'a JSON object', seen: seen(event) }]);
  return judge(event as Record<string, unknown>, range && raw.subarray(range.start, range.end));
};

/** A body that is one event. Nesting is bounded before anything is built. @throws ProblemError 400, 422 */
export const readWhole = <T>(raw: Buffer, judge: Judge<T>): T => {
  const scan = findMember(raw, 'data', NESTING_MAX);
  if (scan.tooDeepIn === undefined) assertUtf8(raw);
  return readItem(raw, { start: 0, end: raw.length, scan }, judge);
};
