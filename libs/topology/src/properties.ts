/**
 * What the server lets be changed on a stream or a consumer that exists:
 * - mutable: any time, both ways;
 * - enable-only: may be turned on, never off again;
 * - immutable: only by making it anew.
 * A test asks a real server of that version for each of them.
 */
export const VERIFIED_ON = '2.15.1';

export type Mutability = 'mutable' | 'enable-only' | 'immutable';
/** `absent`: what it means when the server leaves the property out. */
export type PropertyRow = { readonly mutability: Mutability; readonly absent: unknown; readonly bucketsToo: boolean };

const property = (mutability: Mutability, absent: unknown, bucketsToo = true): PropertyRow => ({ mutability, absent, bucketsToo });

/** Not listed: what is the operator's own (compression, placement, republish, description) or the server's. */
export const streamProperties: Readonly<Record<string, PropertyRow>> = {
  subjects: property('mutable', []),
  storage: property('immutable', 'file'),
  retention: property('immutable', 'limits'),
  discard: property('mutable', 'old'),
  max_bytes: property('mutable', -1),
  max_msgs: property('mutable', -1),
  max_msgs_per_subject: property('mutable', -1),
  max_msg_size: property('mutable', -1),
  max_age: property('mutable', 0),
  max_consumers: property('mutable', -1),
  discard_new_per_subject: property('mutable', false),
  duplicate_window: property('mutable', 120_000_000_000, false),
  num_replicas: property('mutable', 1),
  no_ack: property('mutable', false),
  allow_direct: property('mutable', false),
  allow_atomic: property('mutable', false, false),
  allow_rollup_hdrs: property('mutable', false),
  // `nats kv add` denies deletes on buckets, which none of ours needs; on a queue both would end the removing of what was worked
  deny_delete: property('enable-only', false, false),
  deny_purge: property('enable-only', false),
  sealed: property('enable-only', false),
};

export const consumerProperties: Readonly<Record<string, PropertyRow>> = {
  filter_subject: property('mutable', ''),
  filter_subjects: property('mutable', []),
  ack_policy: property('immutable', 'none'),
  ack_wait: property('mutable', 30_000_000_000),
  max_ack_pending: property('mutable', 1_000),
  max_deliver: property('mutable', -1),
  deliver_policy: property('immutable', 'all'),
  replay_policy: property('immutable', 'instant'),
  inactive_threshold: property('mutable', 0),
  headers_only: property('mutable', false),
  backoff: property('mutable', []),
  mem_storage: property('immutable', false),
};
