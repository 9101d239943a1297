import { allows, mayGrant, scopes, WHOLE_PLANE, type Principal } from './scopes.ts';

const admin: Principal = { id: 'admin', scopes: new Set(), admin: true };
const ofAcme: Principal = { id: 'k1', tenant: 'acme', scopes: new Set(['events:write', 'keys:admin']), admin: false };
const ofAll: Principal = { id: 'k2', scopes: new Set(['status:read']), admin: false };

describe('allows', () => {
  it('lets the admin key do everything', () => {
    expect(scopes.every((scope) => allows(admin, scope, 'acme') && allows(admin, scope, WHOLE_PLANE))).toBe(true);
  });

  it('asks for the scope', () => {
    expect(allows(ofAcme, 'events:write')).toBe(true);
    expect(allows(ofAcme, 'events:read')).toBe(false);
  });

  it('keeps a tenant’s key to its tenant, and away from what belongs to all', () => {
    expect(allows(ofAcme, 'events:write', 'acme')).toBe(true);
    expect(allows(ofAcme, 'events:write', 'other')).toBe(false);
    expect(allows(ofAcme, 'events:write', WHOLE_PLANE)).toBe(false);
    expect(allows(ofAll, 'status:read', WHOLE_PLANE)).toBe(true);
    expect(allows(ofAll, 'status:read', 'acme')).toBe(true);
  });
});

describe('mayGrant', () => {
  it('gives nobody more than the giver holds', () => {
    expect(mayGrant(ofAcme, 'acme', ['events:write'])).toBe(true);
    expect(mayGrant(ofAcme, 'acme', ['events:write', 'events:read'])).toBe(false);
    expect(mayGrant(ofAcme, 'other', ['events:write'])).toBe(false);
    expect(mayGrant(ofAcme, undefined, ['events:write'])).toBe(false);
    expect(mayGrant(admin, undefined, [...scopes])).toBe(true);
  });
});
