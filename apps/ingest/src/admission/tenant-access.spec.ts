import type { Principal } from '@spillway/keys';
import { assertMaySendFor } from './tenant-access.ts';

const admin: Principal = { id: 'admin', scopes: new Set(), admin: true };
const ofAcme: Principal = { id: 'k1', tenant: 'acme', scopes: new Set(['events:write']), admin: false };
const ofAll: Principal = { id: 'k2', scopes: new Set(['events:write']), admin: false };
const ofSystem: Principal = { id: 'k3', tenant: '_system', scopes: new Set(['events:write']), admin: false };

describe('assertMaySendFor', () => {
  it.each([
    ['the admin key, for anybody', admin, 'acme'],
    ['the admin key, for our own tenants', admin, '_system'],
    ['a tenant’s key, for its tenant', ofAcme, 'acme'],
    ['a key without a tenant, for any', ofAll, 'acme'],
  ])('lets pass: %s', (_, principal, tenant) => {
    expect(() => assertMaySendFor(principal, tenant)).not.toThrow();
  });

  it.each([
    ['another tenant', ofAcme, 'other'],
    ['a tenant whose name starts alike', ofAcme, 'acme2'],
    ['our own tenants, to whoever is not admin', ofAll, '_system'],
    ['our own tenants, even to a key of theirs', ofSystem, '_system'],
  ])('refuses %s', (_, principal, tenant) => {
    expect(() => assertMaySendFor(principal, tenant)).toThrow(expect.objectContaining({ status: 403, code: 'wrong_tenant' }));
  });
});
