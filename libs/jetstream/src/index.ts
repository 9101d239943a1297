export { Broker, type BrokerOptions } from './broker.ts';
export {
  BrokerAway,
  BrokerRefused,
  InfrastructureError,
  isPassing,
  OutcomeUnknown,
  PublisherSaturated,
  PublishRefused,
  RevisionConflict,
  Stopped,
  type RefusalKind,
} from './errors.ts';
export { Pager } from './pager.ts';
export { PinsUnreadable, type Pins } from './pins.ts';
export { provision, ProvisioningRefused, type Provisioned, type ProvisionOptions } from './provision.ts';
export { Publisher, type Outgoing, type PubAck, type PublisherOptions } from './publisher.ts';
export { RawHeaders } from './raw-headers.ts';
export type { ShardWork } from './shard-work.ts';
export { assertSynced, Unsynced, type SyncedOptions, type SyncState } from './synced.ts';
export type { WaitingMessage } from './waiting-message.ts';
export { WatchedBucket, type BucketState, type Entry } from './watched-bucket.ts';
export type { Worlds } from './worlds.ts';
