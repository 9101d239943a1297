import { ENDPOINT_ID_PATTERN, type FailureKind } from '@spillway/contracts';

/** A secret at rest; see `seal`. Several while one replaces the other. */
export type SealedSecret = { sealed: string; createdAt: string };

/** One endpoint as KV keeps it. Times are RFC 3339 texts, UTC. */
export type EndpointRecord = {
  id: string;
  tenant: string;
  url: string;
  /** Filters (`invoice.*`); absent: every type. */
  types?: string[];
  description?: string;
  headers?: Record<string, string>;
  maxInFlight?: number;
  /** Attempts begun in any second. */
  ratePerSecond?: number;
  /** Strict order: one in flight, the head retried in place. */
  ordered?: boolean;
  timeoutSeconds?: number;
  /** Seconds before attempts 2, 3, …. */
  schedule?: number[];
  enabled: boolean;
  disabledReason?: string;
  uid?: string;
  metadata?: Record<string, string>;
  secrets: SealedSecret[];
  /** A deleted endpoint's record is kept: *deleted* is said, never concluded from what is not there. */
  state: 'active' | 'deleted';
  createdAt: string;
  updatedAt: string;
} & FailingState;

/** Kept by who attempts; gone after a success, and when somebody enables the endpoint or gives it another address. */
export type FailingState = {
  /** Since when every attempt has failed. */
  failingSince?: string;
  /** How the first of them did. */
  failedWith?: { kind: FailureKind; status?: number };
  /** Which warning about it was given last. */
  failingTold?: 1 | 2;
  /** Its address is one that may not be dialled: no attempt can mend that. */
  flagged?: 'ssrf_blocked';
};

/** What a caller decides about an endpoint; the rest is the store's. */
export type EndpointDraft = Omit<EndpointRecord, 'id' | 'tenant' | 'secrets' | 'state' | 'createdAt' | 'updatedAt' | 'disabledReason' | keyof FailingState>;

/** The keys of bucket `webhook_endpoints`, built here and nowhere else. */
export const registryKey = {
  endpoint: (id: string) => `endpoint.${id}`,
  tenant: (tenant: string) => `tenant.${tenant}`,
  type: (type: string) => `type.${type}`,
} as const;

const isObject = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null && !Array.isArray(value);

export const parseJson = (text: string): unknown => {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
};

/** `undefined` for what no store of ours has written: the reader treats it as absent and raises an alarm. Fields that a later version adds pass. */
export const parseRecord = (text: string): EndpointRecord | undefined => {
  const value = parseJson(text);
  if (!isObject(value)) return undefined;
  const { id, tenant, url, state, enabled, secrets, types } = value;
  const whole =
    typeof id === 'string' &&
    ENDPOINT_ID_PATTERN.test(id) &&
    typeof tenant === 'string' &&
    typeof url === 'string' &&
    typeof enabled === 'boolean' &&
    (state === 'active' || state === 'deleted') &&
    Array.isArray(secrets) &&
    (types === undefined || Array.isArray(types));
  return whole ? (value as EndpointRecord) : undefined;
};

/** As after a success; the same object back when nothing fails. */
export const withoutFailing = (record: EndpointRecord): EndpointRecord => {
  const { failingSince, failedWith, failingTold, flagged, ...rest } = record;
  return [failingSince, failedWith, failingTold, flagged].every((value) => value === undefined) ? record : rest;
};

/** What stays of an endpoint that was deleted: whose it was and where it led, and nothing that was entrusted to us. */
export const tombstoneOf = ({ id, tenant, url, createdAt }: EndpointRecord, now: string): EndpointRecord => ({
  id,
  tenant,
  url,
  enabled: false,
  secrets: [],
  state: 'deleted',
  createdAt,
  updatedAt: now,
});
