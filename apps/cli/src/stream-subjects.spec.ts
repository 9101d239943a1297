import { subject } from '@spillway/topology';
import { ordered } from './stream-subjects.ts';

const at = (shard: number, time: string) => subject.retryAt(shard, new Date(time));

it('shows the calendar by time, and what in it is overdue', () => {
  const now = Date.parse('2026-11-22T01:00:00Z');
  const counts = new Map([[at(2, '2026-11-22T03:00:00Z'), 9], [at(7, '2026-11-22T00:59:00Z'), 1], [at(1, '2026-11-22T02:00:00Z'), 5]]);
  expect(ordered(counts, now)).toEqual([
    { subject: 'webhook.retry.at.7.20261122T00.5900', messages: 1, dueAt: '2026-11-22T00:59:00.000Z', overdueMs: 60_000 },
    { subject: 'webhook.retry.at.1.20261122T02.0000', messages: 5, dueAt: '2026-11-22T02:00:00.000Z' },
    { subject: 'webhook.retry.at.2.20261122T03.0000', messages: 9, dueAt: '2026-11-22T03:00:00.000Z' },
  ]);
});

it('shows the fullest first elsewhere', () => {
  expect(ordered(new Map([['b', 2], ['c', 3], ['a', 2]]), 0).map((row) => row.subject)).toEqual(['c', 'a', 'b']);
});
