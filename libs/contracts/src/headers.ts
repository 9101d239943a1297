/**
 * Every header that travels inside NATS, named here and nowhere else. CloudEvents attributes in binary mode (`ce-…`, CloudEvents NATS binding),
 * `traceparent` (W3C), `Nats-…` (the server's), the rest ours.
 */
export const header = {
  messageId: 'Nats-Msg-Id',
  expectedStream: 'Nats-Expected-Stream',

  /** The event's id (`evt_…`): what receivers see as `webhook-id`. */
  eventId: 'ce-id',
  eventType: 'ce-type',
  eventSource: 'ce-source',
  /** The producer's time of the event; RFC 3339. */
  eventTime: 'ce-time',
  /** Of a CloudEvent: with it, each of its other attributes travels as `ce-<name>`. */
  specversion: 'ce-specversion',
  traceparent: 'traceparent',

  tenant: 'Webhook-Tenant',
  /** The producer's own id of the event, percent-encoded. */
  sourceId: 'Webhook-Source-Id',
  /** RFC 3339, UTC, of the moment the event was accepted. */
  acceptedAt: 'Webhook-Accepted-At',
  endpoint: 'Webhook-Endpoint',
  /** Number of the attempt that this message waits for, from 1. */
  attempt: 'Webhook-Attempt',
  /** RFC 3339, UTC: the rounded time of the bucket it waits in. */
  dueAt: 'Webhook-Due-At',
  job: 'Webhook-Job',
  /** `bulk`: it came by that lane, whose budget it has wherever it waits now. */
  lane: 'Webhook-Lane',
  /** How many events the message holds, each with its own headers: it is a page. */
  page: 'Webhook-Page',
  /** Why it is a dead letter. */
  reason: 'Webhook-Reason',
  /** What exactly was wrong, for people. */
  detail: 'Webhook-Detail',
} as const;

export type HeaderName = (typeof header)[keyof typeof header];

export const CE_PREFIX = 'ce-';
