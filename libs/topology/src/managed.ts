import { bucketNames, type BucketName } from './buckets.ts';
import { streamNames, type StreamName } from './streams.ts';

/** A bucket is a stream to the server: `KV_webhook_keys`. */
export type BucketStreamName = `KV_${BucketName}`;
/** Every stream that provisioning makes, by its name on the server. */
export type ManagedName = StreamName | BucketStreamName;

export const bucketStream = (bucket: BucketName): BucketStreamName => `KV_${bucket}`;

export const managedNames: readonly ManagedName[] = [...streamNames, ...bucketNames.map(bucketStream)];

export const isManaged = (name: string): name is ManagedName => (managedNames as readonly string[]).includes(name);
