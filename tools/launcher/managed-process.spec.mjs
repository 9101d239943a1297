import { restartDelayMs } from './managed-process.mjs';

it('waits longer the more often something dies, but not so long that ten seconds would not do', () => {
  expect([1, 2, 3, 5, 6, 100].map(restartDelayMs)).toEqual([250, 500, 1_000, 4_000, 5_000, 5_000]);
});
