import { bodyChecksum } from './body-checksum.ts';

const of = (type: string, data: string): string => bodyChecksum(type, Buffer.from(data));

it('is the same for the same type and data, and another for another of either', () => {
  expect(of('invoice.paid', '{"n":1}')).toMatch(/^[\w-]{8}$/);
  expect(of('invoice.paid', '{"n":1}')).toBe(of('invoice.paid', '{"n":1}'));
  expect(new Set([of('a', '1'), of('a', '2'), of('b', '1'), of('b', ' 1')]).size).toBe(4);
});
