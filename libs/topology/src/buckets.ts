import { MIB } from './units.ts';

export type BucketRow = { readonly max_bytes: number; readonly history: number; readonly holds: string; readonly alert: { readonly warnRatio: number; readonly pageRatio: number } };

const quota = { warnRatio: 0.5, pageRatio: 0.75 } as const;

export const buckets = {
  webhook_endpoints: { max_bytes: 64 * MIB, history: 8, holds: '`endpoint.<id>`, `tenant.<tenant>` (settings and its endpoint ids), `type.<event type>`', alert: quota },
  webhook_keys: { max_bytes: 64 * MIB, history: 8, holds: 'API keys, hashed', alert: quota },
  webhook_control: { max_bytes: 64 * MIB, history: 8, holds: 'switches and rules, jobs', alert: quota },
  // a bucket of its own: a full bucket refuses updates of existing keys too, and a lease must never be refused; history 1, no TTL
  webhook_leases: { max_bytes: 64 * MIB, history: 1, holds: 'who works which shard; `head.<endpoint>`, the next attempt of an ordered endpoint’s first delivery; `suspect.<app>.<stream>.<sequence>`, a message that may end its worker; `page.<app>.<stream>.<sequence>`, what is done of a page that is held for long', alert: quota },
} as const satisfies Record<string, BucketRow>;

export type BucketName = keyof typeof buckets;
export const bucketNames = Object.keys(buckets) as BucketName[];

/** Written by provisioning when a bucket is made. A bucket without it was emptied or made by somebody else: nobody may conclude anything from what it does not hold. */
export const MARKER_KEY = 'marker';
