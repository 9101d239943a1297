import { scopes, type Scope } from './scopes.ts';

/** One API key as KV keeps it: never its text, only the hash of it. Times are RFC 3339 texts, UTC. */
export type KeyRecord = {
  id: string;
  /** SHA-256 of the key's text, in hex. */
  hash: string;
  tenant?: string;
  scopes: Scope[];
  description?: string;
  expiresAt?: string;
  ratePerSecond?: number;
  createdAt: string;
  createdBy: string;
};

/** The keys of bucket `webhook_keys`, built here and nowhere else. */
export const keyKey = (id: string): string => `key.${id}`;

const known: ReadonlySet<string> = new Set(scopes);

/** `undefined` for what no store of ours has written: such a key opens nothing. Scopes that a later version adds are left out, fields pass. */
export const parseKey = (text: string): KeyRecord | undefined => {
  let value: Partial<KeyRecord> | null;
  try {
    value = JSON.parse(text) as Partial<KeyRecord> | null;
  } catch {
    return undefined;
  }
  if (typeof value !== 'object' || value === null) return undefined;
  const { id, hash, tenant, expiresAt } = value;
  const whole =
    typeof id === 'string' &&
    typeof hash === 'string' &&
    /^[0-9a-f]{64}$/.test(hash) &&
    Array.isArray(value.scopes) &&
    (tenant === undefined || typeof tenant === 'string') &&
    (expiresAt === undefined || !Number.isNaN(Date.parse(expiresAt)));
  return whole ? ({ ...value, scopes: value.scopes?.filter((scope) => known.has(scope)) } as KeyRecord) : undefined;
};
