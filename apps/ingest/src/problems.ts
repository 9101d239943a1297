import { raiseFrom, type ProblemError, type ProblemTable } from '@spillway/service-kit';

/** Every code of ours: answered from here, and described by it in `/openapi.json`. */
export const problemCodes = {
  malformed_json: { status: 400, means: 'no JSON, no UTF-8, nothing' },
  malformed_encoding: { status: 400, means: 'the body is not the gzip that `content-encoding` says: cut off, or damaged' },
  unauthenticated: { status: 401, means: 'no key, a wrong one, revoked, expired', headers: ['www-authenticate'] },
  missing_scope: { status: 403, means: 'the key lacks the scope' },
  wrong_tenant: { status: 403, means: 'the key may not send for that tenant' },
  payload_too_large: { status: 413, means: 'more bytes, or more events, than are taken' },
  unsupported_media_type: { status: 415, means: 'a media type, a charset or an encoding that is not taken', headers: ['accept', 'accept-encoding'] },
  invalid_event: { status: 422, means: '`errors` names each field, what was wanted, what was seen' },
  tenant_quota: { status: 429, means: 'the tenant’s share is used up; `quota` says which', headers: ['retry-after'] },
  rate_limited: { status: 429, means: 'the key is over its rate, or an ordered tenant is', headers: ['retry-after'] },
  ingest_full: { status: 503, means: 'the stream, or the memory for requests, is full: not stored', headers: ['retry-after'] },
  broker_unavailable: { status: 503, means: 'certainly not stored', headers: ['retry-after'] },
  outcome_unknown: { status: 503, means: 'perhaps stored: send it again with the same key or id', headers: ['retry-after'] },
} as const satisfies ProblemTable;

export type ProblemCode = keyof typeof problemCodes;

const problem = raiseFrom(problemCodes);

/** One fault of the sender's: which field, what was wanted, and what was there (nothing, when it is missing). */
export type FieldFault = { field: string; wanted: string; seen?: string };

/** So many faults are listed; a body can hold tens of thousands, and the answer must stay smaller than the question. */
const FAULTS_LISTED_MAX = 20;
const SEEN_CHARACTERS_MAX = 80;

const cut = (text: string): string => (text.length > SEEN_CHARACTERS_MAX ? `${text.slice(0, SEEN_CHARACTERS_MAX)}…` : text);

/** What was there, short; objects and arrays by their kind, so that nothing is walked. */
export const seen = (value: unknown): string => {
  if (Array.isArray(value)) return 'an array';
  if (typeof value === 'object' && value !== null) return 'an object';
  return cut(JSON.stringify(value));
};

const listed = (faults: readonly FieldFault[]): FieldFault[] => faults.slice(0, FAULTS_LISTED_MAX).map((fault) => ({ ...fault, field: cut(fault.field) }));

export const malformedJson = (detail: string): ProblemError => problem('malformed_json', detail);

export const malformedEncoding = (detail: string): ProblemError => problem('malformed_encoding', detail);

export const invalidEvent = (faults: readonly FieldFault[]): ProblemError => {
  const errors = listed(faults);
  const more = faults.length - errors.length;
  const detail = `${errors.map(({ field, wanted }) => `${field}: wanted ${wanted}`).join('; ')}${more > 0 ? `; and ${more} more` : ''}`;
  return problem('invalid_event', detail, { errors });
};

// `error="…"` only when a key was shown: RFC 6750, section 3.1
export const unauthenticated = (shown: boolean): ProblemError =>
  shown
    ? problem('unauthenticated', 'the key is not known, has expired or was revoked', undefined, { 'www-authenticate': 'Bearer error="invalid_token"' })
    : problem('unauthenticated', 'wanted a header "Authorization: Bearer <key>"', undefined, { 'www-authenticate': 'Bearer' });

export const missingScope = (scope: string): ProblemError => problem('missing_scope', `the key lacks the scope ${scope}`, { scope });

export const wrongTenant = (tenant: string): ProblemError => problem('wrong_tenant', `the key may not send for tenant ${tenant}`, { field: 'tenant' });

export const payloadTooLarge = (bytesMax: number): ProblemError =>
  problem('payload_too_large', `the request body may have at most ${bytesMax} bytes`, { maxBytes: bytesMax });

export const eventTooLarge = (bytesMax: number): ProblemError =>
  problem('payload_too_large', `an event may have at most ${bytesMax} bytes, with its envelope`, { maxBytes: bytesMax });

export const tooManyEvents = (eventsMax: number): ProblemError => problem('payload_too_large', `a batch may hold at most ${eventsMax} events`, { maxEvents: eventsMax });

export const unsupportedMediaType = (detail: string, accept: string): ProblemError => problem('unsupported_media_type', detail, undefined, { accept, 'accept-encoding': 'gzip, identity' });

/** Seconds after which asking again makes sense: said with every 429 and 503. */
const retryAfter = (seconds: number) => ({ 'retry-after': String(seconds) });

export const tenantQuota = (detail: string, quota: string): ProblemError => problem('tenant_quota', detail, { quota }, retryAfter(5));

export const rateLimited = (detail: string, headers: Record<string, string>, violatedPolicies: readonly string[]): ProblemError =>
  problem('rate_limited', detail, { 'violated-policies': violatedPolicies }, headers);

// a full stream empties at the pace of its slowest endpoint's home, not of a disk: seconds, not milliseconds
export const ingestFull = (detail: string): ProblemError => problem('ingest_full', detail, undefined, retryAfter(5));

export const brokerUnavailable = (detail: string): ProblemError => problem('broker_unavailable', detail, undefined, retryAfter(2));

export const outcomeUnknown = (detail: string): ProblemError => problem('outcome_unknown', detail, undefined, retryAfter(1));
