import type { IncomingHttpHeaders } from 'node:http';
import { unsupportedMediaType } from '../problems.ts';

export type Route = '/v1/events' | '/v1/events/batch';
/** How events lie in a body. */
export type BodyForm = 'event' | 'array' | 'lines';

/** What each route takes, by media type. */
export const bodyForms: Readonly<Record<Route, ReadonlyMap<string, BodyForm>>> = {
  '/v1/events': new Map([['application/json', 'event']]),
  '/v1/events/batch': new Map([
    ['application/json', 'array'],
    ['application/x-ndjson', 'lines'],
    ['application/ndjson', 'lines'],
    ['application/jsonl', 'lines'],
  ]),
};

/** JSON is UTF-8 between strangers (RFC 8259, section 8.1), so no other charset is taken. */
const MEDIA_TYPE = /^([^;\s]+)\s*(?:;\s*charset\s*=\s*"?utf-?8"?\s*)?;?\s*$/i;

const SEEN_MAX = 80;

export const isBatch = (form: BodyForm): boolean => form !== 'event';

/** @throws ProblemError 415, naming what would be taken */
export const bodyFormOf = (route: Route, { 'content-type': type, 'content-encoding': encoding = 'identity' }: IncomingHttpHeaders): BodyForm => {
  const forms = bodyForms[route];
  const form = type === undefined ? undefined : forms.get(MEDIA_TYPE.exec(type)?.[1]?.toLowerCase() ?? '');
  const accepted = [...forms.keys()].join(', ');
  if (form === undefined) throw unsupportedMediaType(`wanted content-type: ${accepted.replaceAll(', ', ' or ')}, in UTF-8; ${type === undefined ? 'there is none' : `seen: ${type.slice(0, SEEN_MAX)}`}`, accepted);
  if (encoding.toLowerCase() !== 'identity') throw unsupportedMediaType(`wanted a body without content-encoding; seen: ${encoding.slice(0, SEEN_MAX)}`, accepted);
  return form;
};
