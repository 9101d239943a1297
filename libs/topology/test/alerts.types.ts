/**
 * Never run: `tsc` in the typecheck target reads it. Each @ts-expect-error is a catalogue row that must not compile; were it to compile, the unused
 * directive itself would be the error.
 */
import type { BucketRow } from '../src/buckets.ts';
import type { ConsumerRow, SubjectRow } from '../src/queues.ts';
import type { StreamRow } from '../src/streams.ts';

const stream = { subjects: ['a'], discard: 'new', max_bytes: 1, duplicate_window: 1, holds: 'nothing', alert: { warnRatio: 0.5, pageRatio: 0.75 } } as const;
const consumer = {
  kind: 'consumer',
  stream: 'WEBHOOK_INGEST',
  app: 'dedupe',
  perShard: false,
  filter: 'a',
  config: { ack_policy: 'explicit', ack_wait: 1, max_ack_pending: 1, max_deliver: -1 },
  alert: { oldestAgeMaxMs: 1, inFlightRatioMax: 0.8 },
} as const;
const subjects = { kind: 'subjects', stream: 'WEBHOOK_RETRY', app: 'retrier', perShard: true, filter: 'a', alert: { latenessMaxMs: 1 } } as const;
const bucket = { max_bytes: 1, history: 1, holds: 'nothing', alert: stream.alert } as const;

const without = <T extends object, K extends keyof T>(row: T, key: K): Omit<T, K> => {
  const { [key]: _gone, ...rest } = row;
  return rest;
};

// whole rows compile: what follows is refused for its alert alone
export const whole: { streams: Record<string, StreamRow>; queues: Record<string, ConsumerRow | SubjectRow>; buckets: Record<string, BucketRow> } = {
  streams: { stream },
  queues: { consumer, subjects },
  buckets: { bucket },
};

export const silent = {
  // @ts-expect-error a stream without an alert
  stream: without(stream, 'alert') satisfies StreamRow,
  // @ts-expect-error a durable without an alert
  consumer: without(consumer, 'alert') satisfies ConsumerRow | SubjectRow,
  // @ts-expect-error a subject queue without an alert
  subjects: without(subjects, 'alert') satisfies ConsumerRow | SubjectRow,
  // @ts-expect-error a bucket without an alert
  bucket: without(bucket, 'alert') satisfies BucketRow,
  // @ts-expect-error half an alert: nobody is paged
  half: { ...stream, alert: { warnRatio: 0.5 } } satisfies StreamRow,
  // @ts-expect-error the alert of a subject queue on a durable
  other: { ...consumer, alert: { latenessMaxMs: 1 } } satisfies ConsumerRow | SubjectRow,
  // @ts-expect-error a stream without a limit
  boundless: without(stream, 'max_bytes') satisfies StreamRow,
};
