import * as fc from 'fast-check';
import { isPageKey, pageKey, readPageKey } from './page-key.ts';
import { DonePlaces, readNote, writeNote } from './page-progress.ts';
import { isSuspectKey, readSuspectKey, suspectKey } from './suspect-key.ts';

const placesOf = (count: number, done: readonly number[]): DonePlaces => {
  const places = new DonePlaces(count);
  for (const place of done) places.add(place);
  return places;
};
const listOf = (places: DonePlaces | undefined): number[] | undefined => places && Array.from({ length: places.count }, (_, place) => place).filter((place) => places.has(place));

const page = { origin: 'WEBHOOK_INGEST@2026-11-22T10:00:00.123456789Z:4711', storedAtMs: 1_763_800_000_123 };
const noteOf = (places: DonePlaces, over: object = {}): string => JSON.stringify({ ...(JSON.parse(writeNote(page, places, 'dedupe-0', new Date(0))) as object), ...over });

describe('places that are done with', () => {
  it.each([
    [1, [], 4],
    [1, [0], 4],
    [8, [0, 7], 4],
    [9, [8], 4],
    [1_000, [0, 1, 8, 500, 999], 168],
    [1_000, Array.from({ length: 1_000 }, (_, place) => place), 168],
  ])('of %i are read as they were written: %j', (count, done, characters) => {
    const places = placesOf(count, done);
    const text = places.encode();
    expect([text.length, places.size, listOf(DonePlaces.decode(text, count)), DonePlaces.decode(text, count)?.size]).toEqual([characters, done.length, done, done.length]);
  });

  it('are those that were added, each once, and none beside them', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 1_000 }), fc.array(fc.nat(1_100)), (count, added) => {
        const places = placesOf(count, [...added, ...added]);
        const wanted = [...new Set(added)].filter((place) => place < count).toSorted((a, b) => a - b);
        expect([listOf(places), places.size, listOf(DonePlaces.decode(places.encode(), count))]).toEqual([wanted, wanted.length, wanted]);
      }),
    );
  });

  it('of two who know of the same page are what both know', () => {
    const places = placesOf(20, [1, 2, 19]);
    places.addAll(placesOf(20, [2, 3]));
    expect([listOf(places), places.size]).toEqual([[1, 2, 3, 19], 4]);
  });
});

describe('a note', () => {
  it('is read by whoever is given that page, and says to people whose it is', () => {
    const text = writeNote(page, placesOf(10, [3, 9]), 'dedupe-0', new Date(0));
    expect(JSON.parse(text)).toEqual({ ...page, events: 10, done: 'CAI=', by: 'dedupe-0', at: '1970-01-01T00:00:00.000Z' });
    expect(listOf(readNote(text, page, 10))).toEqual([3, 9]);
  });

  const known = placesOf(10, [3, 9]);
  it.each([
    ['of a stream that was made again', noteOf(known, { origin: 'WEBHOOK_INGEST@2026-11-23T10:00:00Z:4711' })],
    ['of a message that was stored at another time under the same sequence', noteOf(known, { storedAtMs: page.storedAtMs + 1 })],
    ['of a page with more events', noteOf(known, { events: 11 })],
    ['with a place beyond its last', noteOf(known, { done: placesOf(16, [3, 10]).encode() })],
    ['with more places than it has', noteOf(known, { done: placesOf(17, [3]).encode() })],
    ['with fewer', noteOf(known, { done: placesOf(8, [3]).encode() })],
    ['that is no base64', noteOf(known, { done: 'C?AI=' })],
    ['that is base64 of another kind', noteOf(known, { done: 'CAI' })],
    ['whose places are a list', noteOf(known, { done: [3, 9] })],
    ['without places', noteOf(known, { done: undefined })],
    ['that was cut off', noteOf(known).slice(0, -5)],
    ['that is empty', ''],
    ['that is null', 'null'],
    ['that is a number', '255'],
  ])('%s says nothing', (_what, text) => expect(readNote(text, page, 10)).toBeUndefined());
});

it('has a key of its own, which is no suspect’s', () => {
  const key = pageKey('dedupe', page.origin);
  expect([key, readPageKey(key), isPageKey(key), isSuspectKey(key), readSuspectKey(key)]).toEqual(['page.dedupe.WEBHOOK_INGEST.4711', { stream: 'WEBHOOK_INGEST', sequence: 4711 }, true, false, undefined]);
  const suspect = suspectKey('dedupe', `${page.origin}-7`);
  expect([isPageKey(suspect), readPageKey(suspect), isPageKey('dedupe-ordered.0'), isPageKey('replica.dedupe.host'), isPageKey('head.ep_1')]).toEqual([false, undefined, false, false, false]);
});
