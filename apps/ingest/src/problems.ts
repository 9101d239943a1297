import { ProblemError } from '@spillway/service-kit';

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

export const malformedJson = (detail: string): ProblemError => new ProblemError(400, 'malformed_json', detail);

export const invalidEvent = (faults: readonly FieldFault[]): ProblemError => {
  const errors = listed(faults);
  const more = faults.length - errors.length;
  const detail = `${errors.map(({ field, wanted }) => `${field}: wanted ${wanted}`).join('; ')}${more > 0 ? `; and ${more} more` : ''}`;
  return new ProblemError(422, 'invalid_event', detail, { errors });
};

// `error="…"` only when a key was shown: RFC 6750, section 3.1
export const unauthenticated = (shown: boolean): ProblemError =>
  shown
    ? new ProblemError(401, 'unauthenticated', 'the key is not known, has expired or was revoked', undefined, { 'www-authenticate': 'Bearer error="invalid_token"' })
    : new ProblemError(401, 'unauthenticated', 'wanted a header "Authorization: Bearer <key>"', undefined, { 'www-authenticate': 'Bearer' });

export const missingScope = (scope: string): ProblemError => new ProblemError(403, 'missing_scope', `the key lacks the scope ${scope}`, { scope });

export const wrongTenant = (tenant: string): ProblemError => new ProblemError(403, 'wrong_tenant', `the key may not send for tenant ${tenant}`, { field: 'tenant' });

export const payloadTooLarge = (bytesMax: number): ProblemError =>
  new ProblemError(413, 'payload_too_large', `the request body may have at most ${bytesMax} bytes`, { maxBytes: bytesMax });

export const unsupportedMediaType = (detail: string): ProblemError =>
  new ProblemError(415, 'unsupported_media_type', detail, undefined, { accept: 'application/json', 'accept-encoding': 'identity' });

/** Seconds after which asking again makes sense: said with every 429 and 503. */
const retryAfter = (seconds: number) => ({ 'retry-after': String(seconds) });

export const tenantQuota = (detail: string, quota: string): ProblemError => new ProblemError(429, 'tenant_quota', detail, { quota }, retryAfter(5));

export const rateLimited = (detail: string, headers: Record<string, string>, violatedPolicies: readonly string[]): ProblemError =>
  new ProblemError(429, 'rate_limited', detail, { 'violated-policies': violatedPolicies }, headers);

// a full stream empties at the pace of its slowest endpoint's home, not of a disk: seconds, not milliseconds
export const ingestFull = (detail: string): ProblemError => new ProblemError(503, 'ingest_full', detail, undefined, retryAfter(5));

export const brokerUnavailable = (detail: string): ProblemError => new ProblemError(503, 'broker_unavailable', detail, undefined, retryAfter(2));

export const outcomeUnknown = (detail: string): ProblemError => new ProblemError(503, 'outcome_unknown', detail, undefined, retryAfter(1));
