import { isUtf8 } from 'node:buffer';
import { ProblemError } from '@spillway/service-kit';
import { eventTooLarge, malformedJson } from '../problems.ts';
import { arrayItems, lineItems } from './batch-items.ts';
import { assertUtf8, readItem, type Item, type Judge } from './event-text.ts';
import type { Slices } from './slices.ts';

/** Of each event of a batch, in its order: the event, or what is wrong with it. */
export type Batch<T> = (T | ProblemError)[];

const readOr = <T>(raw: Buffer, item: Item, judge: Judge<T>, eventBytesMax: number): T | ProblemError => {
  if (item.end - item.start > eventBytesMax) return eventTooLarge(eventBytesMax);
  try {
    return readItem(raw, item, judge);
  } catch (error) {
    if (error instanceof ProblemError) return error;
    throw error;
  }
};

/**
 * A JSON array of events. One member that is no JSON leaves the array unreadable: nobody knows what was meant behind it.
 * @throws ProblemError 400, 413, 422 of the whole
 */
export const readArray = async <T>(raw: Buffer, judge: Judge<T>, eventBytesMax: number, slices: Slices): Promise<Batch<T>> => {
  const items = await slices.each(arrayItems(raw), (item) => item);
  assertUtf8(raw);
  return slices.each(items, (item, at) => {
    const read = readOr(raw, item, judge, eventBytesMax);
    if (read instanceof ProblemError && read.status === 400) throw malformedJson(`event ${at + 1} of the array: ${read.detail}`);
    return read;
  });
};

/** NDJSON: each line stands and falls by itself. @throws ProblemError 413 of the whole */
export const readLines = async <T>(raw: Buffer, judge: Judge<T>, eventBytesMax: number, slices: Slices): Promise<Batch<T>> => {
  const allUtf8 = isUtf8(raw);
  const items = await slices.each(lineItems(raw), (item) => item);
  return slices.each(items, (item) => {
    if (!allUtf8 && !isUtf8(raw.subarray(item.start, item.end))) return malformedJson('the line is not UTF-8');
    return readOr(raw, item, judge, eventBytesMax);
  });
};
