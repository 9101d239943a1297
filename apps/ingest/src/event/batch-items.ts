import { invalidEvent, malformedJson, tooManyEvents } from '../problems.ts';
import { NESTING_MAX, type Item } from './event-text.ts';
import { endOfValue, findMember, trimmed } from './json-member.ts';

/** 1000 of 1 KiB are judged in about 10 ms, which nobody else on this loop waits longer for. */
export const BATCH_EVENTS_MAX = 1_000;

const [ARRAY_OPEN, ARRAY_CLOSE, COMMA, LINE_FEED] = [0x5b, 0x5d, 0x2c, 0x0a];

const assertNotTooMany = (items: readonly Item[]): void => {
  if (items.length > BATCH_EVENTS_MAX) throw tooManyEvents(BATCH_EVENTS_MAX);
};

/** The members of a JSON array and the `data` of each, in one scan over the bytes. Whether each is JSON is judged with it, not here. @throws ProblemError 400, 413, 422 */
export const arrayItems = (raw: Buffer): Item[] => {
  const whole = trimmed(raw, 0, raw.length);
  if (raw[whole.start] !== ARRAY_OPEN) throw notAnArray(raw, whole.start);
  const items: Item[] = [];
  let at = whole.start;
  do {
    const from = at + 1;
    let scan = findMember(raw, 'data', NESTING_MAX, from);
    // it was left at its 514th open bracket
    if (scan.tooDeepIn !== undefined) scan = { ...scan, end: endOfValue(raw, scan.end, NESTING_MAX + 1) };
    at = scan.end;
    items.push({ ...trimmed(raw, from, at), scan });
    assertNotTooMany(items);
  } while (raw[at] === COMMA);
  if (raw[at] !== ARRAY_CLOSE || at !== whole.end - 1) throw malformedJson(at < whole.end ? 'the body goes on behind its array, or an array is closed as an object' : 'the body ends before its array does');
  const [first] = items as [Item];
  return items.length === 1 && first.start === first.end ? [] : items;
};

const notAnArray = (raw: Buffer, at: number): Error => {
  if (at === raw.length) return malformedJson('the body is empty');
  return raw[at] === 0x7b ? invalidEvent([{ field: 'body', wanted: 'a JSON array of events', seen: 'an object' }]) : malformedJson('the body is no JSON array');
};

/** NDJSON: a line, an event. Empty lines are none. @throws ProblemError 413 */
export const lineItems = (raw: Buffer): Item[] => {
  const items: Item[] = [];
  for (let from = 0; from < raw.length; ) {
    const found = raw.indexOf(LINE_FEED, from);
    const to = found < 0 ? raw.length : found;
    const line = trimmed(raw, from, to);
    if (line.start < line.end) {
      items.push({ ...line, scan: findMember(raw, 'data', NESTING_MAX, line.start, line.end) });
      assertNotTooMany(items);
    }
    from = to + 1;
  }
  return items;
};
