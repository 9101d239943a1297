export { bucketNames, buckets, MARKER_KEY, type BucketName, type BucketRow } from './buckets.ts';
export {
  durableName,
  filterOf,
  queueRow,
  queues,
  queuesOf,
  type ConsumerName,
  type ConsumerRow,
  type QueueName,
  type SubjectQueueName,
  type SubjectRow,
} from './queues.ts';
export { allShards, shardOf, SHARDS } from './shards.ts';
export { everyStream, ID_WINDOW_SECONDS, streamNames, streams, type StreamName, type StreamRow } from './streams.ts';
export { readParked, readRetryAt, subject, type DeliveryLane, type IngestLane, type ParkedKind } from './subjects.ts';
export { GIB, MIB, nanosOfSeconds } from './units.ts';
