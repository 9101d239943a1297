export {
  isTenant,
  ENDPOINT_ID_PATTERN,
  EVENT_ID_PATTERN,
  EVENT_TYPE_PATTERN,
  OWN_TENANT_PATTERN,
  SOURCE_ID_PATTERN,
  TENANT_PATTERN,
  TYPE_FILTER_PATTERN,
} from './tokens.ts';
export { isRfc3339 } from './rfc3339.ts';
export { acceptanceNumber } from './acceptance-number.ts';
export { bodyChecksum } from './body-checksum.ts';
export { readDroppedAtDoor, type DroppedAtDoor } from './dropped-at-door.ts';
export { deliveryId, derivedCloudEventId, derivedEventId, derivedJobId, newEndpointId, newEventId, newJobId } from './ids.ts';
export { CE_PREFIX, header, type HeaderName } from './headers.ts';
export { decodeHeaderValue, encodeHeaderValue } from './header-value.ts';
export {
  deliveryHeaders,
  eventHeaders,
  readDelivery,
  readEvent,
  UnreadableMessage,
  type DeliveryMeta,
  type EventMeta,
  type HeaderPairs,
  type HeaderReader,
} from './event-message.ts';
export type { CircuitState, EndpointLearnt, EndpointsLearnt } from './endpoint-learnt.ts';
export { withoutBody, type DeadReason, type DedupeFault, type DroppedBy, type DroppedOriginal, type Fact, type FactOf, type FactType, type FailureKind, type FannedOut, type LastFailure, type WentTo } from './facts.ts';
export {
  DEDUPE_INDEX_KEY,
  DEDUPE_RULE_ID_PATTERN,
  dedupeRuleId,
  dedupeRuleKey,
  parseIgnoredPath,
  printIgnoredPath,
  readDedupeRule,
  type DedupeIndexStatus,
  type DedupeRule,
  type PathSegment,
} from './dedupe-rule.ts';
export { readSwitch, scopeOfSwitch, SWITCH_PREFIX, switchKey, type RetrySwitch, type SwitchScope } from './retry-switch.ts';
export { PublishEventDto } from './publish-event.dto.ts';
