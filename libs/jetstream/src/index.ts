export { answerTo, askAll, type AskOptions } from './ask.ts';
export { buryUnread, keepAsDead, type DeadInPipeline } from './bury.ts';
export { Broker, type BrokerOptions } from './broker.ts';
export {
  BrokerAway,
  BrokerRefused,
  InfrastructureError,
  isFull,
  isPassing,
  OutcomeUnknown,
  PublisherSaturated,
  PublishRefused,
  RevisionConflict,
  Stopped,
  type RefusalKind,
} from './errors.ts';
export { Consumes, NotWired } from './consumes.ts';
export { withinMs } from './deadline.ts';
export { DirectGet, type Slice, type SliceRequest, type StoredMessage } from './direct-get.ts';
export { Duplicates, duplicatesDropped, type DroppedDuplicate, type DuplicatesOptions } from './duplicates.ts';
export type { Screened } from './page-worker.ts';
export { joinPlane } from './join-plane.ts';
export type { Lease } from './lease.ts';
export { BULK_LINGER } from './linger.ts';
export { Pager } from './pager.ts';
export { PinsUnreadable, type Pins } from './pins.ts';
export { PlaneConfig } from './plane-config.ts';
export { viewPlane, type ConsumerView, type PlaneView, type QueueView, type StreamView } from './plane-view.ts';
export { provision, ProvisioningRefused, type Provisioned, type ProvisionOptions } from './provision.ts';
export { BULK_GROUP_BYTES, Publisher, type Outgoing, type PubAck, type PublisherOptions } from './publisher.ts';
export { Places } from './places.ts';
export { Remover, type UpTo } from './purge.ts';
export { RawHeaders } from './raw-headers.ts';
export { ShardOwner, type OwnedShard, type ShardOwnerOptions, type ShardOwnerState } from './shard-owner.ts';
export type { ShardWork } from './shard-work.ts';
export { limitStream, type Limited, type LimitOptions } from './stream-limit.ts';
export { listSubjects, type SubjectList } from './subject-list.ts';
export type { SubjectMessage } from './subject-message.ts';
export type { Listing } from './subject-listing.ts';
export { isPassingThrow } from './passing-throw.ts';
export { observeSuspects } from './suspects.telemetry.ts';
export type { PipelineReason, Thrown } from './suspicion.ts';
export { assertSynced, Unsynced, type SyncedOptions, type SyncState } from './synced.ts';
export { JetStreamTransport, type Room, type TransportOptions } from './transport.ts';
export type { WaitingMessage } from './waiting-message.ts';
export { WatchedBucket, type BucketState, type Entry } from './watched-bucket.ts';
export { WrongWorld, type PinnedWorlds, type Worlds, type WorldsOptions, type WorldsState } from './worlds.ts';
