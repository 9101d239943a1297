import { bytes, duration, table } from './table.ts';

it('lines up words to the left and numbers to the right', () => {
  expect(table(['NAME', 'N'], [['a', 5], ['long name', 1_000]])).toBe(['NAME       N', 'a             5', 'long name  1000'].join('\n'));
});

it.each([
  [0, '0 B'],
  [1_023, '1023 B'],
  [1_536, '1.5 KiB'],
  [2 ** 30, '1.0 GiB'],
  [2 ** 52, '4096.0 TiB'],
])('says %d bytes as %s', (count, said) => expect(bytes(count)).toBe(said));

it.each([
  [null, '-'],
  [250, '250 ms'],
  [1_500, '1 s'],
  [90_000, '1 min 30 s'],
  [3_700_000, '1 h 1 min'],
  [90_000_000, '1 d 1 h'],
])('says %p ms as %s', (ms, said) => expect(duration(ms)).toBe(said));
