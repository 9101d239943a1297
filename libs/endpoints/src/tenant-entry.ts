import { RegistryRefusal } from './errors.ts';
import { parseJson } from './record.ts';

export type TenantSettings = {
  maxEndpoints?: number;
  /** Of its events; what is over it goes to the lane `bulk`. */
  ratePerSecond?: number;
  /** Of INGEST's bytes, 0 to 1: what its waiting events may take of them. */
  share?: number;
};

/**
 * `tenant.<tenant>`: settings, and which endpoints it has. An endpoint exists when its record says so *and* it is listed here; the list is what every writer
 * agrees on, one revision after the other, so the limit and the `uid`s are decided on it. At most 1000 endpoints: 26 B of id and ≤ 160 B of `uid` each stay far
 * under the 1 MiB a message may have.
 */
export type TenantEntry = {
  tenant: string;
  settings: TenantSettings;
  endpoints: string[];
  /** `uid` → endpoint id. */
  uids: Record<string, string>;
  /** Those of its endpoints that are ordered: with any, all its events take the lane `ordered`. */
  ordered?: string[];
  state: 'active' | 'deleted';
  createdAt: string;
  updatedAt: string;
};

/** One event fans out in one atomic batch, and that holds 1000 messages (nats-server 2.15). */
export const MAX_ENDPOINTS_PER_TENANT = 1_000;

export const emptyTenant = (tenant: string, now: string): TenantEntry => ({ tenant, settings: {}, endpoints: [], uids: {}, state: 'active', createdAt: now, updatedAt: now });

export const parseTenant = (text: string): TenantEntry | undefined => {
  const value = parseJson(text) as TenantEntry | undefined | null;
  if (typeof value !== 'object' || value === null) return undefined;
  const whole = typeof value.tenant === 'string' && Array.isArray(value.endpoints) && typeof value.uids === 'object' && value.uids !== null && typeof value.settings === 'object';
  return whole ? value : undefined;
};

export const idOfUid = (entry: TenantEntry, uid: string): string | undefined => (Object.hasOwn(entry.uids, uid) ? entry.uids[uid] : undefined);

/** @throws RegistryRefusal `uid_taken`; `unknown_endpoint` when it is not listed: a uid given to it now would never be free again */
export const withUid = (entry: TenantEntry, id: string, uid: string | undefined): TenantEntry => {
  if (!entry.endpoints.includes(id)) throw new RegistryRefusal('unknown_endpoint', `tenant ${entry.tenant} has no endpoint ${id}`);
  const others = Object.entries(entry.uids).filter(([, owner]) => owner !== id);
  if (uid === undefined) return { ...entry, uids: Object.fromEntries(others) };
  const taken = others.find(([other]) => other === uid);
  if (taken) throw new RegistryRefusal('uid_taken', `tenant ${entry.tenant} has an endpoint with uid ${JSON.stringify(uid)} already: ${taken[1]}`);
  // fromEntries, not a literal: `__proto__` is a uid like any other
  return { ...entry, uids: Object.fromEntries([...others, [uid, id]]) };
};

/** @throws RegistryRefusal `too_many_endpoints` | `uid_taken` */
export const withEndpoint = (entry: TenantEntry, id: string, uid: string | undefined, maxEndpoints: number): TenantEntry => {
  if (entry.endpoints.includes(id)) return entry;
  const max = Math.min(entry.settings.maxEndpoints ?? maxEndpoints, MAX_ENDPOINTS_PER_TENANT);
  if (entry.endpoints.length >= max) throw new RegistryRefusal('too_many_endpoints', `tenant ${entry.tenant} has ${entry.endpoints.length} endpoints, and its limit is ${max}`);
  return withUid({ ...entry, endpoints: [...entry.endpoints, id], state: 'active' }, id, uid);
};

/** The same entry back when it says so already. */
export const withOrdered = (entry: TenantEntry, id: string, isOrdered: boolean): TenantEntry => {
  const ordered = entry.ordered ?? [];
  if (ordered.includes(id) === isOrdered) return entry;
  return { ...entry, ordered: isOrdered ? [...ordered, id] : ordered.filter((other) => other !== id) };
};

export const isOrderedTenant = ({ ordered = [] }: TenantEntry): boolean => ordered.length > 0;

export const withoutEndpoints = (entry: TenantEntry, ids: ReadonlySet<string>): TenantEntry => ({
  ...entry,
  endpoints: entry.endpoints.filter((listed) => !ids.has(listed)),
  uids: Object.fromEntries(Object.entries(entry.uids).filter(([, owner]) => !ids.has(owner))),
  ...(entry.ordered && { ordered: entry.ordered.filter((listed) => !ids.has(listed)) }),
});
