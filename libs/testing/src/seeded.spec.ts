import { seeded } from './seeded.ts';

const draw = (seed?: number) => {
  const random = seeded(seed);
  return [random.next(), random.between(10, 20), random.shuffle(['a', 'b', 'c', 'd'])];
};

it('repeats a run by its seed, and gives another one without', () => {
  expect(draw(7)).toEqual(draw(7));
  expect(draw(7)).not.toEqual(draw(8));
  expect(seeded().seed).toBeGreaterThan(0);
});

it('stays within its bounds', () => {
  const random = seeded(3);
  const drawn = Array.from({ length: 1_000 }, () => random.between(5, 6));
  expect(Math.min(...drawn)).toBeGreaterThanOrEqual(5);
  expect(Math.max(...drawn)).toBeLessThan(6);
  expect(random.shuffle([1, 2, 3]).toSorted((a, b) => a - b)).toEqual([1, 2, 3]);
});
