export { bucketNames, buckets, MARKER_KEY, type BucketName, type BucketRow } from './buckets.ts';
export { bucketOf, desiredConfig, type Config } from './desired.ts';
export { isChangeable, type Difference } from './differences.ts';
export { planLimit } from './limit-change.ts';
export { defaultLimits, limitsFrom, limitVariables, type LimitFault, type Limits } from './limits.ts';
export { bucketStream, isManaged, managedNames, type BucketStreamName, type ManagedName } from './managed.ts';
export { OVERRIDE_KEYS, readOverrides, SHARDS_KEY, type Overrides } from './overrides.ts';
export { show, type Fault } from './faults.ts';
export { lowersShare, plan, type Action, type FoundDurable, type FoundStream, type Plan, type Question } from './plan.ts';
export { consumerProperties, streamProperties, VERIFIED_ON, type Mutability, type PropertyRow } from './properties.ts';
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
export { formatSize, parseSize, SIZE_FORM } from './sizes.ts';
export { everyStream, ID_WINDOW_SECONDS, streamNames, streams, type StreamName, type StreamRow } from './streams.ts';
export { isBulkDelivery, isBulkIngest, isOrderedIngest, readAskLearnt, readIngest, readParked, readRetryAt, subject, type DeliveryLane, type IngestLane, type ParkedKind } from './subjects.ts';
export { worldFaults } from './world-faults.ts';
export { GIB, MIB, nanosOfSeconds } from './units.ts';
