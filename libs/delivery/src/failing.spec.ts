import { DISABLE_AFTER_MS, failingStage } from './failing.ts';

const now = new Date('2026-01-06T12:00:00Z');

it.each([
  [0, 0],
  [0.2 * DISABLE_AFTER_MS - 1, 0],
  [0.2 * DISABLE_AFTER_MS, 1],
  [0.8 * DISABLE_AFTER_MS - 1, 1],
  [0.8 * DISABLE_AFTER_MS, 2],
  [DISABLE_AFTER_MS - 1, 2],
  [DISABLE_AFTER_MS, 3],
  [-3_600_000, 0], // a clock that went back disables nobody
])('an endpoint that has failed for %d ms is at stage %d', (failingMs, stage) => {
  expect(failingStage(new Date(now.getTime() - failingMs), now)).toBe(stage);
});
