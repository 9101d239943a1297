export { buryUnreadable } from './bury.ts';
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
export { Consumes, NotWired } from './consumes.ts';
export { joinPlane } from './join-plane.ts';
export { Pager } from './pager.ts';
export { PinsUnreadable, type Pins } from './pins.ts';
export { PlaneConfig } from './plane-config.ts';
export { provision, ProvisioningRefused, type Provisioned, type ProvisionOptions } from './provision.ts';
export { Publisher, type Outgoing, type PubAck, type PublisherOptions } from './publisher.ts';
export { RawHeaders } from './raw-headers.ts';
export type { ShardWork } from './shard-work.ts';
export { assertSynced, Unsynced, type SyncedOptions, type SyncState } from './synced.ts';
export { JetStreamTransport, type Room, type TransportOptions } from './transport.ts';
export type { WaitingMessage } from './waiting-message.ts';
export { WatchedBucket, type BucketState, type Entry } from './watched-bucket.ts';
export { openWorlds, WrongWorld, type PinnedWorlds, type Worlds, type WorldsOptions, type WorldsState } from './worlds.ts';
