import { bucketNames, buckets } from './buckets.ts';
import { queueRow, queues, type QueueName } from './queues.ts';
import { streamNames, streams, type StreamRow } from './streams.ts';

const rows = streamNames.map((name): [string, StreamRow] => [name, streams[name]]);
const queueNames = Object.keys(queues) as QueueName[];

/** NATS's matching, less `>`: filters of ours have none. */
const covers = (pattern: string, subject: string): boolean => {
  const [wide, narrow] = [pattern.split('.'), subject.split('.')];
  return wide.length === narrow.length && wide.every((token, i) => token === '*' || token === narrow[i]);
};

it.each(rows)('%s is bounded, and refuses rather than forgets, but for the ledger', (name, row) => {
  expect(row.max_bytes).toBeGreaterThan(0);
  expect(row.discard).toBe(name === 'WEBHOOK_LEDGER' ? 'old' : 'new');
});

it.each(rows)('%s has a share per subject only together with its refusal', (_name, row) => {
  expect(row.discard_new_per_subject ?? false).toBe(row.max_msgs_per_subject !== undefined);
});

it.each([...rows.map(([name, { alert }]) => [name, alert] as const), ...bucketNames.map((name) => [name, buckets[name].alert] as const)])('%s warns before it pages, and pages before it is full', (_name, { warnRatio, pageRatio }) => {
  expect(warnRatio).toBeLessThan(pageRatio);
  expect(pageRatio).toBeLessThan(1);
});

it.each(queueNames)('%s filters subjects that its stream takes', (name) => {
  const row = queueRow(name);
  const filter = row.filter.replace('<shard>', '*');
  expect(streams[row.stream].subjects.some((pattern) => covers(pattern, filter))).toBe(true);
  expect(row.filter.includes('<shard>')).toBe(row.perShard);
});

it('gives no subject to two streams', () => {
  const all = rows.flatMap(([, { subjects }]) => subjects);
  for (const one of all) expect(all.filter((other) => covers(one, other))).toEqual([one]);
});
