/** What a key may do. Each route of each API asks for one of these. */
export const scopes = [
  'events:write',
  'events:read',
  'endpoints:write',
  'endpoints:read',
  'retries:control',
  'dead:replay',
  'dedupe:write',
  'tenants:write',
  'keys:admin',
  'status:read',
  'traces:set',
] as const;

export type Scope = (typeof scopes)[number];

/** Who asks: a key from the bucket, or the admin key of the configuration. */
export type Principal = {
  /** The key's id, or `admin`: what facts name as `by`. */
  id: string;
  /** A key of one tenant acts for that tenant only. */
  tenant?: string;
  scopes: ReadonlySet<Scope>;
  admin: boolean;
  ratePerSecond?: number;
};

/** What belongs to no tenant, or to all: the plane's status, the list of event types. A tenant's own key does not reach it. */
export const WHOLE_PLANE = '*';

/** @param tenant whose things it is about, or {@link WHOLE_PLANE}; left out, only the scope is asked for */
export const allows = (principal: Principal, scope: Scope, tenant?: string): boolean => {
  if (!principal.admin && !principal.scopes.has(scope)) return false;
  return tenant === undefined || reaches(principal, tenant);
};

export const reaches = (principal: Principal, tenant: string): boolean => principal.admin || principal.tenant === undefined || principal.tenant === tenant;

/** Nobody gives away what he does not hold: not another tenant, not a scope of others. */
export const mayGrant = (principal: Principal, tenant: string | undefined, wanted: readonly Scope[]): boolean =>
  principal.admin || (reaches(principal, tenant ?? WHOLE_PLANE) && wanted.every((scope) => principal.scopes.has(scope)));
