import { decodeHeaderValue, encodeHeaderValue } from './header-value.ts';
import { CE_PREFIX, header } from './headers.ts';

/** What travels beside the body of an event, from acceptance to its last attempt. Times are RFC 3339 texts, as they stand in the headers. */
export type EventMeta = {
  eventId: string;
  tenant: string;
  type: string;
  source: string;
  acceptedAt: string;
  time?: string;
  sourceId?: string;
  /** Of a CloudEvent: `subject`, `dataschema`, and its extensions, as text. Absent: it came as an event of our own form. */
  attributes?: readonly (readonly [name: string, value: string])[];
  traceparent?: string;
  /** The operator's job (resend, replay, …) that made it; absent for what a producer sent. */
  job?: string;
  /** Set on what a job makes for one endpoint only. */
  endpointId?: string;
};

/** A delivery where it waits: the event and whose turn it is. */
export type DeliveryMeta = EventMeta & {
  endpointId: string;
  attempt: number;
  dueAt?: string;
  reason?: string;
  /** It came by the lane `bulk`: said once it has left that lane's own subject. */
  lane?: 'bulk';
};

/** Anything that reads a header by name; `undefined` when it is not there. */
export type HeaderReader = { get(name: string): string | undefined; entries(): Iterable<[name: string, value: string]> };
export type HeaderPairs = readonly (readonly [name: string, value: string])[];

/** Broken by us or by a stranger's hand: a message in our streams without what every one of them carries. It goes to `dead.pipeline` as `unreadable`. */
export class UnreadableMessage extends Error {
  readonly code = 'SPILLWAY_UNREADABLE_MESSAGE';
}

const required = (headers: HeaderReader, name: string): string => {
  const value = headers.get(name);
  if (value === undefined || value === '') throw new UnreadableMessage(`message without header ${name}`);
  return value;
};

const decoded = (value: string, name: string): string => {
  try {
    return decodeHeaderValue(value);
  } catch (error) {
    throw new UnreadableMessage(`header ${name} cannot be decoded`, { cause: error });
  }
};

/** Those that we read by name, and so are not among the others. */
const NAMED: ReadonlySet<string> = new Set([header.eventId, header.eventType, header.eventSource, header.eventTime, header.specversion]);

/** Only what came as a CloudEvent says a version: the headers of all others are not walked through. */
const attributesOf = (headers: HeaderReader): [string, string][] | undefined => {
  if (headers.get(header.specversion) === undefined) return undefined;
  const attributes: [string, string][] = [];
  for (const [name, value] of headers.entries()) if (name.startsWith(CE_PREFIX) && !NAMED.has(name)) attributes.push([name.slice(CE_PREFIX.length), decoded(value, name)]);
  return attributes;
};

export const eventHeaders = (meta: EventMeta): [string, string][] => {
  const pairs: [string, string][] = [
    [header.eventId, meta.eventId],
    [header.tenant, meta.tenant],
    [header.eventType, meta.type],
    [header.eventSource, encodeHeaderValue(meta.source)],
    [header.acceptedAt, meta.acceptedAt],
  ];
  if (meta.time !== undefined) pairs.push([header.eventTime, meta.time]);
  if (meta.sourceId !== undefined) pairs.push([header.sourceId, encodeURIComponent(meta.sourceId)]);
  if (meta.attributes !== undefined) {
    pairs.push([header.specversion, '1.0']);
    for (const [name, value] of meta.attributes) pairs.push([CE_PREFIX + name, encodeHeaderValue(value)]);
  }
  if (meta.traceparent !== undefined) pairs.push([header.traceparent, meta.traceparent]);
  if (meta.job !== undefined) pairs.push([header.job, meta.job]);
  if (meta.endpointId !== undefined) pairs.push([header.endpoint, meta.endpointId]);
  return pairs;
};

export const deliveryHeaders = (meta: DeliveryMeta): [string, string][] => {
  const pairs = eventHeaders(meta);
  pairs.push([header.attempt, String(meta.attempt)]);
  if (meta.dueAt !== undefined) pairs.push([header.dueAt, meta.dueAt]);
  if (meta.reason !== undefined) pairs.push([header.reason, meta.reason]);
  if (meta.lane !== undefined) pairs.push([header.lane, meta.lane]);
  return pairs;
};

/** @throws UnreadableMessage */
export const readEvent = (headers: HeaderReader): EventMeta => {
  const sourceId = headers.get(header.sourceId);
  return {
    eventId: required(headers, header.eventId),
    tenant: required(headers, header.tenant),
    type: required(headers, header.eventType),
    source: decoded(required(headers, header.eventSource), header.eventSource),
    acceptedAt: required(headers, header.acceptedAt),
    time: headers.get(header.eventTime),
    sourceId: sourceId === undefined ? undefined : decoded(sourceId, header.sourceId),
    attributes: attributesOf(headers),
    traceparent: headers.get(header.traceparent),
    job: headers.get(header.job),
    endpointId: headers.get(header.endpoint),
  };
};

/** @throws UnreadableMessage */
export const readDelivery = (headers: HeaderReader): DeliveryMeta => {
  const attempt = Number(required(headers, header.attempt));
  if (!Number.isSafeInteger(attempt) || attempt < 1) throw new UnreadableMessage(`header ${header.attempt} is not a number from 1: ${attempt}`);
  return {
    ...readEvent(headers),
    endpointId: required(headers, header.endpoint),
    attempt,
    dueAt: headers.get(header.dueAt),
    reason: headers.get(header.reason),
    ...(headers.get(header.lane) === 'bulk' && { lane: 'bulk' }),
  };
};
