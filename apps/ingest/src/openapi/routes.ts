import type { Scope } from '@spillway/keys';
import type { ProblemDeclaration } from '@spillway/service-kit';
import { bodyForms, type BodyForm, type Route } from '../admission/body-form.ts';
import { ATTRIBUTES_MAX_BYTES } from '../event/cloud-event.ts';
import { problemCodes, type ProblemCode } from '../problems.ts';
import { answerHeaders, binaryModeHeaders, requestHeaders } from './headers.ts';
import type { SchemaName } from './schemas.ts';

/** Headers that an answer may have, and may not. */
type Sometimes = { sometimes?: readonly (keyof typeof answerHeaders)[] };
export type Answer = { means: string; media: string; schema: SchemaName } & Sometimes;
export type Problems = Readonly<Record<string, ProblemDeclaration & Sometimes>>;

export type RouteDeclaration = {
  method: 'get' | 'post';
  path: string;
  summary: string;
  description?: string;
  /** Of the key; without one the route asks for none. */
  scope?: Scope;
  requestHeaders?: readonly (keyof typeof requestHeaders)[];
  /** By media type. */
  bodies?: Readonly<Record<string, SchemaName>>;
  /** By status: those that are no problem documents. */
  answers: Readonly<Record<number, Answer>>;
  /** By code: those that are. */
  problems: Problems;
};

const JSON_TYPE = 'application/json';

const only = (...codes: ProblemCode[]): Problems => Object.fromEntries(codes.map((code) => [code, problemCodes[code]]));

const without = (...codes: ProblemCode[]): Problems => only(...(Object.keys(problemCodes) as ProblemCode[]).filter((code) => !codes.includes(code)));

/** On every answer to a key that has a rate, once one event was charged to it: on all but those of `FrontDoor.identify`. */
const RATE = ['ratelimit', 'ratelimit-policy'] as const;
const UNCHARGED: ReadonlySet<string> = new Set<ProblemCode>(['unauthenticated', 'missing_scope', 'unsupported_media_type']);

const charged = (problems: Problems): Problems =>
  Object.fromEntries(Object.entries(problems).map(([code, problem]) => [code, UNCHARGED.has(code) ? problem : { ...problem, sometimes: RATE }]));

const SCHEMA_OF: Readonly<Record<BodyForm, SchemaName>> = {
  event: 'Event',
  array: 'Events',
  lines: 'EventLines',
  cloudevent: 'CloudEvent',
  'cloudevent-binary': 'CloudEventData',
  cloudevents: 'CloudEvents',
};

const bodiesOf = (route: Route): Readonly<Record<string, SchemaName>> => Object.fromEntries([...bodyForms[route]].map(([media, form]) => [media, SCHEMA_OF[form]]));

const BINARY_MODE =
  'With a header `ce-specversion` or `ce-id` it is a CloudEvent in binary mode: the body is its data, of a JSON media type. Besides the headers listed here any `ce-<name>` with a name of a-z and 0-9 is an extension attribute, ' +
  `and travels with the event; \`ce-datacontenttype\` is none, that is \`content-type\`. Values are percent-encoded UTF-8; subject, dataschema and extensions are at most ${ATTRIBUTES_MAX_BYTES} bytes together.`;

/** The API of ingest: `/openapi.json` is made of it, and tests hold every answer against that. */
export const routes: readonly RouteDeclaration[] = [
  {
    method: 'post',
    path: '/v1/events',
    summary: 'Takes one event over: 202 says that it is on disk. CloudEvents come structured, in batches (answered as such), or in binary mode: attributes as `ce-…` headers, the body is the data.',
    scope: 'events:write',
    description: BINARY_MODE,
    requestHeaders: ['idempotency-key', ...binaryModeHeaders],
    bodies: { ...bodiesOf('/v1/events'), [JSON_TYPE]: 'EventOrData' },
    answers: {
      202: { means: 'It is on disk. The same key or id again gets the same id; a repeat is not stored again.', media: JSON_TYPE, schema: 'AcceptedOrResults', sometimes: RATE },
      207: { means: 'Of a batch of CloudEvents some are not: what became of each.', media: JSON_TYPE, schema: 'Results', sometimes: [...RATE, 'retry-after'] },
    },
    problems: charged(problemCodes),
  },
  {
    method: 'post',
    path: '/v1/events/batch',
    summary: 'Takes several events over; each has an answer of its own.',
    scope: 'events:write',
    bodies: bodiesOf('/v1/events/batch'),
    answers: {
      202: { means: 'All are on disk.', media: JSON_TYPE, schema: 'Results', sometimes: RATE },
      207: { means: 'Some are not: what became of each.', media: JSON_TYPE, schema: 'Results', sometimes: [...RATE, 'retry-after'] },
    },
    // what concerns one event stands beside it: whose it is, and what became of it at the broker
    problems: charged(without('wrong_tenant', 'outcome_unknown')),
  },
  {
    method: 'get',
    path: '/openapi.json',
    summary: 'This description.',
    answers: { 200: { means: 'OpenAPI 3.1.', media: JSON_TYPE, schema: 'ApiDescription' } },
    problems: {},
  },
  {
    method: 'get',
    path: '/healthz',
    summary: 'Whether the process answers.',
    answers: { 200: { means: 'It does.', media: JSON_TYPE, schema: 'Health' } },
    problems: {},
  },
  {
    method: 'get',
    path: '/readyz',
    summary: 'Whether it may be sent to, and what of it is not as it should be.',
    answers: {
      200: { means: 'It may.', media: JSON_TYPE, schema: 'Health' },
      503: { means: 'It may not: something is away, starting or stopping.', media: JSON_TYPE, schema: 'Health' },
    },
    problems: {},
  },
  {
    method: 'get',
    path: '/metrics',
    summary: 'Measurements in Prometheus’ text form. Off loopback it asks for the status key.',
    answers: { 200: { means: 'As they are now.', media: 'text/plain', schema: 'Text' } },
    problems: {
      ...only('unauthenticated'),
      status_key_unset: { status: 403, means: 'off loopback, and no status key is set' },
    },
  },
];
