import type { IncomingHttpHeaders } from 'node:http';
import { JSON_MEDIA_TYPE } from '../event/cloud-event.ts';
import { unsupportedMediaType } from '../problems.ts';

export type Route = '/v1/events' | '/v1/events/batch';
export type SingleForm = 'event' | 'cloudevent' | 'cloudevent-binary';
export type BatchForm = 'array' | 'lines' | 'cloudevents';
/** How events lie in a body. */
export type BodyForm = SingleForm | BatchForm;

const CLOUDEVENTS_BATCH = ['application/cloudevents-batch+json', 'cloudevents'] as const;

/** What each route takes, by media type; a CloudEvent in binary mode has its data's. */
export const bodyForms: Readonly<Record<Route, ReadonlyMap<string, BodyForm>>> = {
  '/v1/events': new Map<string, BodyForm>([['application/json', 'event'], ['application/cloudevents+json', 'cloudevent'], CLOUDEVENTS_BATCH]),
  '/v1/events/batch': new Map<string, BodyForm>([
    ['application/json', 'array'],
    ['application/x-ndjson', 'lines'],
    ['application/ndjson', 'lines'],
    ['application/jsonl', 'lines'],
    CLOUDEVENTS_BATCH,
  ]),
};

/** JSON is UTF-8 between strangers (RFC 8259, section 8.1), so no other charset is taken. */
const MEDIA_TYPE = /^([^;\s]+)\s*(?:;\s*charset\s*=\s*"?utf-?8"?\s*)?;?\s*$/i;
/** Structured or a batch: the prefix decides, whatever the format (CloudEvents HTTP binding, section 3). */
const CLOUDEVENTS = /^application\/cloudevents/i;

const SEEN_MAX = 80;

const BATCH_FORMS: ReadonlySet<BodyForm> = new Set<BatchForm>(['array', 'lines', 'cloudevents']);
export const isBatch = (form: BodyForm): form is BatchForm => BATCH_FORMS.has(form);

/** An event whose attributes are headers: one of the two that every such event has is enough to say what is missing. */
const isBinary = (headers: IncomingHttpHeaders): boolean => headers['ce-specversion'] !== undefined || headers['ce-id'] !== undefined;

const formOf = (route: Route, headers: IncomingHttpHeaders): BodyForm | undefined => {
  const { 'content-type': type } = headers;
  // no data has no type
  if (route === '/v1/events' && isBinary(headers) && !CLOUDEVENTS.test(type ?? '')) return type === undefined || JSON_MEDIA_TYPE.test(type) ? 'cloudevent-binary' : undefined;
  return type === undefined ? undefined : bodyForms[route].get(MEDIA_TYPE.exec(type)?.[1]?.toLowerCase() ?? '');
};

/** @throws ProblemError 415, naming what would be taken */
export const bodyFormOf = (route: Route, headers: IncomingHttpHeaders): BodyForm => {
  const form = formOf(route, headers);
  const { 'content-type': type } = headers;
  if (form === undefined) {
    const wanted = isBinary(headers) ? 'for a CloudEvent in binary mode application/json or another JSON media type, as receivers get JSON' : `${[...bodyForms[route].keys()].join(' or ')}, in UTF-8`;
    throw unsupportedMediaType(`wanted content-type: ${wanted}; ${type === undefined ? 'there is none' : `seen: ${type.slice(0, SEEN_MAX)}`}`, acceptOf(route));
  }
  return form;
};

/** Whether the body is gzip; once, and nothing else. `x-gzip` is the same (RFC 9110, section 8.4.1.3). @throws ProblemError 415 */
export const isPacked = (route: Route, { 'content-encoding': encoding }: IncomingHttpHeaders): boolean => {
  if (encoding === undefined) return false;
  const name = encoding.trim().toLowerCase();
  if (name === 'gzip' || name === 'x-gzip') return true;
  if (name === 'identity') return false;
  throw unsupportedMediaType(`wanted content-encoding: gzip, or none; seen: ${encoding.slice(0, SEEN_MAX)}`, acceptOf(route));
};

const acceptOf = (route: Route): string => [...bodyForms[route].keys()].join(', ');
