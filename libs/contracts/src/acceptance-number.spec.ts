import { acceptanceNumber } from './acceptance-number.ts';

it.each([
  [{ sequence: 4711 }, '4711'],
  [{ sequence: 4711, place: 0 }, '4711'],
  [{ sequence: 4711, place: 5 }, '4711.005'],
  [{ sequence: 4711, place: 50 }, '4711.05'],
  [{ sequence: 4711, place: 999 }, '4711.999'],
  // a thousand events a second for 30 years
  [{ sequence: 946_080_000_000, place: 123 }, '946080000000.123'],
])('%j is %s in a fact', (of, text) => expect(JSON.stringify(acceptanceNumber(of))).toBe(text));

it('is another one for each place of a page, in their order', () => {
  const places = Array.from({ length: 1_000 }, (_, place) => acceptanceNumber({ sequence: 946_080_000_000, place }));
  expect(new Set(places).size).toBe(1_000);
  expect(places).toEqual(places.toSorted((a, b) => a - b));
  expect((places.at(-1) as number) < acceptanceNumber({ sequence: 946_080_000_001 })).toBe(true);
});
