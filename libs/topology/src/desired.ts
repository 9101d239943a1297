import { bucketNames, buckets, type BucketName } from './buckets.ts';
import type { Limits } from './limits.ts';
import { bucketStream, type ManagedName } from './managed.ts';
import { SHARDS_KEY, writeOverrides, type Overrides } from './overrides.ts';
import { durableName, filterOf, queueRow, queues, type ConsumerRow, type QueueName } from './queues.ts';
import { allShards, SHARDS } from './shards.ts';
import { everyStream, streams, type StreamName, type StreamRow } from './streams.ts';

/** A configuration as the JetStream API has it; what it leaves out is to be as the server makes it by default. */
export type Config = { readonly name: string; readonly metadata?: Readonly<Record<string, string>>; readonly [property: string]: unknown };

const queueNames = Object.keys(queues) as QueueName[];

/** Streams whose messages are sorted by shard: another number of shards would leave them with an owner that does not look there. */
const isSharded = (name: StreamName): boolean => queueNames.some((queue) => queueRow(queue).stream === name && queueRow(queue).perShard);

const desiredStream = (name: StreamName, limits: Limits, overrides: Overrides): Config => {
  // what is said to people, and to the watchdog, is not the server's business
  const { holds: _holds, alert: _alert, ...settings }: StreamRow = streams[name];
  const share = overrides.maxMessagesPerSubject ?? limits.maxMessagesPerSubject[name];
  return {
    ...everyStream,
    ...settings,
    name,
    max_bytes: overrides.maxBytes ?? limits.maxBytes[name],
    ...(share === undefined ? {} : { max_msgs_per_subject: share }),
    num_replicas: limits.replicas,
    metadata: { ...writeOverrides(overrides), ...(isSharded(name) ? { [SHARDS_KEY]: String(SHARDS) } : {}) },
  };
};

/** As a client's `Kvm.open` expects a bucket (NATS ADR-8): history is messages per subject, and a purge of a key rolls it up. */
const desiredBucket = (bucket: BucketName, limits: Limits, overrides: Overrides): Config => {
  const name = bucketStream(bucket);
  return {
    name,
    subjects: [`$KV.${bucket}.>`],
    storage: everyStream.storage,
    retention: everyStream.retention,
    allow_direct: everyStream.allow_direct,
    discard: 'new',
    max_bytes: overrides.maxBytes ?? limits.maxBytes[name],
    max_msgs_per_subject: buckets[bucket].history,
    allow_rollup_hdrs: true,
    num_replicas: limits.replicas,
    metadata: writeOverrides(overrides),
  };
};

/** What the server should have under this name. */
export const desiredConfig = (name: ManagedName, limits: Limits, overrides: Overrides = {}): Config => {
  const bucket = bucketOf(name);
  return bucket === undefined ? desiredStream(name as StreamName, limits, overrides) : desiredBucket(bucket, limits, overrides);
};

export const bucketOf = (name: ManagedName): BucketName | undefined => bucketNames.find((bucket) => bucketStream(bucket) === name);

const desiredDurable = (name: QueueName, row: ConsumerRow, shard?: number): Config => ({
  ...row.config,
  name: durableName(name, shard),
  durable_name: durableName(name, shard),
  filter_subject: filterOf(row, shard),
  deliver_policy: 'all',
  replay_policy: 'instant',
});

/** The durables of one stream: one a row, or one a row and shard. */
export const desiredDurables = (stream: ManagedName): Config[] =>
  queueNames.flatMap((name) => {
    const row = queueRow(name);
    if (row.kind !== 'consumer' || row.stream !== stream) return [];
    return row.perShard ? allShards.map((shard) => desiredDurable(name, row, shard)) : [desiredDurable(name, row)];
  });
