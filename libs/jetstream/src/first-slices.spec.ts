import { FirstSlices } from './first-slices.ts';

let now = 0;
const included = (slices: FirstSlices, subject: string, count: number): number => Array.from({ length: count }, () => slices.includes(subject)).filter(Boolean).length;

it('takes the first 512 of each subject', () => {
  const slices = new FirstSlices(() => now);
  expect([included(slices, 'a', 600), included(slices, 'b', 10), included(slices, 'a', 1)]).toEqual([512, 10, 0]);
});

it('takes 4,096 of a shard', () => {
  const slices = new FirstSlices(() => now);
  const each = Array.from({ length: 20 }, (_, n) => included(slices, `s${n}`, 512));
  expect(each.reduce((sum, count) => sum + count, 0)).toBe(4_096);
});

it('ends when the shard is trusted again', () => {
  const slices = new FirstSlices(() => now);
  expect(slices.includes('a')).toBe(true);
  now += 300_000;
  expect(slices.includes('a')).toBe(false);
});
