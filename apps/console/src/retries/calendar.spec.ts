import { subject } from '@spillway/topology';
import { calendarOf, overdueOf } from './calendar.ts';

const noon = Date.parse('2026-11-22T12:00:00Z');
const at = (shard: number, afterMs: number, count: number): [string, number] => [subject.retryAt(shard, new Date(noon + afterMs)), count];

it('adds up what all shards have for the same time, earliest first', () => {
  expect(calendarOf([at(3, 5_000, 2), at(0, 1_000, 1), at(7, 5_000, 4)])).toEqual([
    { at: '2026-11-22T12:00:01.000Z', count: 1 },
    { at: '2026-11-22T12:00:05.000Z', count: 6 },
  ]);
});

it('is never longer than a screen: steps become wider, and nothing is left out', () => {
  const day = Array.from({ length: 2_000 }, (_, n) => at(n % 8, n * 43_000, 1));
  const calendar = calendarOf(day);
  expect(calendar.length).toBeLessThanOrEqual(500);
  expect(calendar.reduce((sum, { count }) => sum + count, 0)).toBe(2_000);
  expect(calendar[0]).toEqual({ at: '2026-11-22T12:00:00.000Z', count: expect.any(Number) as number });
});

it('ends in one entry for the rest when even days are too many', () => {
  expect(calendarOf([0, 1, 2, 3].map((n) => at(0, n * 86_400_000, 1)), 3).map(({ count }) => count)).toEqual([1, 1, 2]);
});

it('counts as overdue what was due before now', () => {
  expect(overdueOf([at(1, -1_000, 3), at(1, 0, 5), at(1, 1_000, 7), ['webhook.retry.at.strange', 9]], noon)).toBe(3);
});
