import { eventually } from './eventually.ts';

it('gives the value as soon as the check holds', async () => {
  let looks = 0;
  const value = await eventually(() => {
    looks += 1;
    if (looks < 3) throw new Error('not yet');
    return looks;
  });
  expect(value).toBe(3);
});

it('fails with what the check said last', async () => {
  let looks = 0;
  const never = eventually(async () => {
    looks += 1;
    throw new Error(`look ${looks}`);
  }, 100);
  await expect(never).rejects.toThrow(/^look [2-9]/);
});
