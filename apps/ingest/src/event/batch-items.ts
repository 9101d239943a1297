import { invalidEvent, malformedJson, tooManyEvents } from '../problems.ts';
import { NESTING_MAX, type Item } from './event-text.ts';
import { endOfSpace, endOfValue, findMember, trimmed } from './json-member.ts';

/** As many as the broker takes in one atomic batch. Of 1 KiB they are judged in about 10 ms; what takes longer is judged in slices. */
export const BATCH_EVENTS_MAX = 1_000;

const [ARRAY_OPEN, ARRAY_CLOSE, COMMA, LINE_FEED] = [0x5b, 0x5d, 0x2c, 0x0a];

const assertNotTooMany = (items: number): void => {
  if (items > BATCH_EVENTS_MAX) throw tooManyEvents(BATCH_EVENTS_MAX);
};

/** The members of a JSON array and the `data` of each, in one scan over the bytes. Whether each is JSON is judged with it, not here. @throws ProblemError 400, 413, 422 */
export function* arrayItems(raw: Buffer): Generator<Item> {
  const whole = trimmed(raw, 0, raw.length);
  if (raw[whole.start] !== ARRAY_OPEN) throw notAnArray(raw, whole.start);
  let [at, items] = [whole.start, 0];
  do {
    const from = at + 1;
    let scan = findMember(raw, 'data', NESTING_MAX, from);
    // it was left at its 514th open bracket
    if (scan.tooDeepIn !== undefined) scan = { ...scan, end: endOfValue(raw, scan.end, NESTING_MAX + 1) };
    at = scan.end;
    const range = trimmed(raw, from, at);
    if (items === 0 && range.start === range.end && raw[at] === ARRAY_CLOSE) break; // an empty array
    assertNotTooMany((items += 1));
    yield { ...range, scan };
  } while (raw[at] === COMMA);
  if (raw[at] !== ARRAY_CLOSE || at !== whole.end - 1) throw malformedJson(at < whole.end ? 'the body goes on behind its array, or an array is closed as an object' : 'the body ends before its array does');
}

const notAnArray = (raw: Buffer, at: number): Error => {
  if (at === raw.length) return malformedJson('the body is empty');
  return raw[at] === 0x7b ? invalidEvent([{ field: 'body', wanted: 'a JSON array of events', seen: 'an object' }]) : malformedJson('the body is no JSON array');
};

/** NDJSON: a line, an event. Empty lines are none. @throws ProblemError 413 */
export function* lineItems(raw: Buffer): Generator<Item> {
  let items = 0;
  for (let from = endOfSpace(raw, 0, raw.length); from < raw.length; ) {
    const found = raw.indexOf(LINE_FEED, from);
    const to = found < 0 ? raw.length : found;
    const line = trimmed(raw, from, to);
    if (line.start < line.end) {
      assertNotTooMany((items += 1));
      yield { ...line, scan: findMember(raw, 'data', NESTING_MAX, line.start, line.end) };
    }
    from = endOfSpace(raw, to + 1, raw.length); // over empty lines byte by byte: a search for each would take 115 ms for 4 MiB of them
  }
}
