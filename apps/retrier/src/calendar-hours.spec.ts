import { subject } from '@spillway/topology';
import { recentHours } from './calendar-hours.ts';

it('names this hour and the last, over midnight too', () => {
  expect(recentHours(3, Date.parse('2026-11-22T00:10:00Z'))).toEqual(['webhook.retry.at.3.20261121T23.*', 'webhook.retry.at.3.20261122T00.*']);
});

it('asks for nothing while the broker’s time is not known', () => {
  expect(recentHours(3, 0)).toEqual([]);
});

it('covers the bucket of any moment in them', () => {
  const now = Date.parse('2026-11-22T01:40:30Z');
  const [, hour = ''] = recentHours(3, now);
  expect(subject.retryAt(3, new Date(now)).startsWith(hour.slice(0, -1))).toBe(true);
});
