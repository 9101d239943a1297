import { Places } from './places.ts';

it('lets so many in at once, the others in the order in which they came, and a failure leaves its place', async () => {
  const places = new Places(2);
  const begun: number[] = [];
  const ends: ((error?: Error) => void)[] = [];
  const work = (n: number): Promise<void> =>
    places.within(() => {
      begun.push(n);
      return new Promise((resolve, reject) => ends.push((error) => (error ? reject(error) : resolve())));
    });
  const all = [0, 1, 2, 3].map(work);
  expect(begun).toEqual([0, 1]);
  ends[0]?.(new Error('refused'));
  await expect(all[0]).rejects.toThrow('refused');
  expect(begun).toEqual([0, 1, 2]);
  ends[1]?.();
  ends[2]?.();
  await Promise.all([all[1], all[2]]);
  expect(begun).toEqual([0, 1, 2, 3]);
  ends[3]?.();
  await all[3];
});
