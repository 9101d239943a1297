import { RecentlySettled } from './recently-settled.ts';

it('knows what was settled by its sequence and the time it was stored: a sequence given anew is another message', () => {
  const settled = new RecentlySettled();
  settled.add(7, 1_000);
  expect([settled.has(7, 1_000), settled.has(7, 2_000), settled.has(8, 1_000)]).toEqual([true, false, false]);
});

it('forgets the oldest beyond its bound', () => {
  const settled = new RecentlySettled();
  for (let sequence = 1; sequence <= 8_193; sequence += 1) settled.add(sequence, 0);
  expect([settled.has(1, 0), settled.has(2, 0), settled.has(8_193, 0)]).toEqual([false, true, true]);
});
