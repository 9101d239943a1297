import { formatSize, parseSize } from './sizes.ts';

it.each([
  ['64MiB', 64 * 2 ** 20],
  ['8GiB', 8 * 2 ** 30],
  ['8 gib', 8 * 2 ** 30],
  ['1.5KiB', 1_536],
  ['2TiB', 2 * 2 ** 40],
  ['1048576', 2 ** 20],
  ['100B', 100],
])('reads %s', (text, bytes) => expect(parseSize(text)).toBe(bytes));

it.each(['', '0', '0MiB', '-1', '8GB', '8G', '1e9', 'MiB', '1.5B', '0x10', '99999999TiB', 'eight', '8GiB/s'])('does not take %j for a size', (text) => expect(parseSize(text)).toBeUndefined());

it.each([
  [100, '100B'],
  [1_536, '1.5KiB'],
  [64 * 2 ** 20, '64MiB'],
  [7.25 * 2 ** 30, '7.25GiB'],
  [2 ** 41, '2TiB'],
])('writes %d as %s', (bytes, text) => expect(formatSize(bytes)).toBe(text));
