import { ChangedTooOften, RegistryDamaged, RegistryRefusal, SecretUnreadable } from '@spillway/endpoints';
import { BrokerAway, BrokerRefused, OutcomeUnknown, PublishRefused } from '@spillway/jetstream';
import { ProblemError } from '@spillway/service-kit';

/** One fault of the caller's: which field, and what was wanted. */
export type FieldFault = { field: string; wanted: string };

/** So many are listed; a body can hold thousands, and the answer must stay smaller than the question. */
const FAULTS_LISTED_MAX = 20;
const FIELD_CHARACTERS_MAX = 80;

const retryAfter = (seconds: number) => ({ 'retry-after': String(seconds) });

const listed = (faults: readonly FieldFault[]): FieldFault[] =>
  faults.slice(0, FAULTS_LISTED_MAX).map(({ field, wanted }) => ({ field: field.length > FIELD_CHARACTERS_MAX ? `${field.slice(0, FIELD_CHARACTERS_MAX)}…` : field, wanted }));

export const invalid = (faults: readonly FieldFault[], detail?: string): ProblemError => {
  const errors = listed(faults);
  return new ProblemError(422, 'invalid_request', detail ?? errors.map(({ field, wanted }) => `${field}: wanted ${wanted}`).join('; '), { errors });
};

/** A field of the API whose behaviour this version lacks: accepted and without effect it would be a lie. */
export const notYet = (faults: readonly { field: string; what: string }[]): ProblemError =>
  new ProblemError(422, 'not_yet', faults.map(({ field, what }) => `${field}: ${what} comes in a later version`).join('; '), {
    errors: listed(faults.map(({ field, what }) => ({ field, wanted: `to be left out: ${what} comes in a later version` }))),
  });

export const forbiddenUrl = (why: string): ProblemError => new ProblemError(422, 'forbidden_url', `url: ${why}`, { errors: [{ field: 'url', wanted: 'a public https address' }] });

// `error="…"` only when a key was shown: RFC 6750, section 3.1
export const unauthenticated = (shown: boolean): ProblemError =>
  shown
    ? new ProblemError(401, 'unauthenticated', 'the key is not known, has expired or was revoked', undefined, { 'www-authenticate': 'Bearer error="invalid_token"' })
    : new ProblemError(401, 'unauthenticated', 'wanted a header "Authorization: Bearer <key>"', undefined, { 'www-authenticate': 'Bearer' });

export const missingScope = (scope: string): ProblemError => new ProblemError(403, 'missing_scope', `the key lacks the scope ${scope}`, { scope });

export const wrongTenant = (what: string): ProblemError => new ProblemError(403, 'wrong_tenant', `the key may not act for ${what}`);

export const mayNotGrant = (tenant: string | undefined): ProblemError =>
  new ProblemError(403, 'may_not_grant', `a key gives only what it holds: its own scopes, for ${tenant === undefined ? 'all tenants only if it is for all itself' : `tenant ${tenant} only if it may act for it`}`);

export const notReady = (why: string | undefined): ProblemError => new ProblemError(503, 'not_ready', `not ready to answer that: ${why ?? 'starting'}`, undefined, retryAfter(1));

export const unknown = (code: 'unknown_endpoint' | 'unknown_tenant' | 'unknown_event_type' | 'unknown_key' | 'unknown_dead_letter' | 'unknown_job', detail: string): ProblemError => new ProblemError(404, code, detail);

export const endpointDisabled = (id: string): ProblemError => new ProblemError(409, 'endpoint_disabled', `endpoint ${id} is disabled: nothing would be sent until it is enabled`);

export const searchTooLong = (id: string): ProblemError =>
  new ProblemError(503, 'search_too_long', `not all dead letters could be looked at in time for ${id}`, { remediation: 'List them by tenant or time first: what was listed lately is found at once.' }, retryAfter(1));

/** INGEST refuses like a producer's, everything else we publish to is a registry. */
const ingestRefused = ({ kind, description }: PublishRefused): ProblemError =>
  kind === 'subject_full'
    ? new ProblemError(429, 'tenant_quota', `the tenant’s share of WEBHOOK_INGEST is used up: ${description}`, undefined, retryAfter(5))
    : new ProblemError(503, 'ingest_full', `WEBHOOK_INGEST refused it: ${description}`, undefined, retryAfter(5));

const refused = (error: PublishRefused): ProblemError => {
  if (error.stream === 'WEBHOOK_INGEST') return ingestRefused(error);

  switch (error.kind) {
    case 'stream_full':
    case 'subject_full':
    case 'storage_full':
      return new ProblemError(503, 'registry_full', `the registry is full: ${error.description}`, { remediation: `spillway streams limit ${error.stream} --max-bytes <SIZE>` }, retryAfter(30));
    case 'too_large':
      return invalid([{ field: 'body', wanted: 'less' }], `too large for the registry: ${error.description}`);
    case 'busy':
    case 'duplicate_in_batch':
    case 'other':
      return new ProblemError(503, 'broker_unavailable', `not stored: ${error.description}`, undefined, retryAfter(2));
  }
};

const REGISTRY_STATUS = { unknown_endpoint: 404, uid_taken: 409, too_many_endpoints: 422 } as const;

/** What our own libraries throw, as an answer; everything else is a fault of ours, and stays as it is. */
export const problemOf = (error: unknown): unknown => {
  if (error instanceof RegistryRefusal) return new ProblemError(REGISTRY_STATUS[error.code], error.code, error.message);
  if (error instanceof PublishRefused) return refused(error);
  if (error instanceof BrokerAway) return new ProblemError(503, 'broker_unavailable', 'the broker is away: nothing was changed', undefined, retryAfter(2));
  if (error instanceof OutcomeUnknown) return new ProblemError(503, 'outcome_unknown', 'no confirmation came in time: perhaps it was done. Look, then repeat', undefined, retryAfter(1));
  if (error instanceof BrokerRefused) return new ProblemError(503, 'broker_unavailable', `the broker refused: ${error.description}`, undefined, retryAfter(2));
  if (error instanceof ChangedTooOften) return new ProblemError(503, 'busy', error.message, undefined, retryAfter(1));
  if (error instanceof SecretUnreadable || error instanceof RegistryDamaged) return new ProblemError(500, 'registry_damaged', error.message, { remediation: error.remediation });
  return error;
};
