import { RegistryRefusal } from './errors.ts';
import { emptyTenant, idOfUid, isOrderedTenant, MAX_ENDPOINTS_PER_TENANT, parseTenant, withEndpoint, withOrdered, withoutEndpoints, withUid } from './tenant-entry.ts';

const empty = emptyTenant('acme', '2026-01-01T00:00:00.000Z');
const code = (act: () => unknown) => {
  try {
    act();
  } catch (error) {
    if (error instanceof RegistryRefusal) return error.code;
    throw error;
  }
  return 'none';
};

describe('the tenant entry', () => {
  it('lists an endpoint once, however often it is added', () => {
    const once = withEndpoint(empty, 'ep_1', 'a', 10);
    expect(withEndpoint(once, 'ep_1', 'a', 10)).toBe(once);
    expect(once.endpoints).toEqual(['ep_1']);
  });

  it('refuses the endpoint above the limit: the plane’s, the tenant’s own, and never more than a batch holds', () => {
    const one = withEndpoint(empty, 'ep_1', undefined, 1);
    expect(code(() => withEndpoint(one, 'ep_2', undefined, 1))).toBe('too_many_endpoints');
    expect(code(() => withEndpoint({ ...one, settings: { maxEndpoints: 2 } }, 'ep_2', undefined, 1))).toBe('none');
    expect(code(() => withEndpoint({ ...empty, settings: { maxEndpoints: 0 } }, 'ep_2', undefined, 1))).toBe('too_many_endpoints');
    const full = { ...empty, settings: { maxEndpoints: 5_000 }, endpoints: Array.from({ length: MAX_ENDPOINTS_PER_TENANT }, (_, at) => `ep_${at}`) };
    expect(code(() => withEndpoint(full, 'ep_more', undefined, 5_000))).toBe('too_many_endpoints');
  });

  it('gives a uid to one endpoint only, and frees it with the endpoint', () => {
    const one = withEndpoint(empty, 'ep_1', 'crm', 10);
    expect(code(() => withEndpoint(one, 'ep_2', 'crm', 10))).toBe('uid_taken');
    expect(idOfUid(one, 'crm')).toBe('ep_1');
    expect(withEndpoint(withoutEndpoints(one, new Set(['ep_1'])), 'ep_2', 'crm', 10).uids).toEqual({ crm: 'ep_2' });
  });

  it('moves an endpoint from one uid to another, and to none', () => {
    const one = withEndpoint(empty, 'ep_1', 'crm', 10);
    expect(withUid(one, 'ep_1', 'erp').uids).toEqual({ erp: 'ep_1' });
    expect(withUid(one, 'ep_1', 'crm').uids).toEqual({ crm: 'ep_1' });
    expect(withUid(one, 'ep_1', undefined).uids).toEqual({});
    expect(code(() => withUid(withEndpoint(one, 'ep_2', undefined, 10), 'ep_2', 'crm'))).toBe('uid_taken');
    expect(code(() => withUid(one, 'ep_2', 'erp'))).toBe('unknown_endpoint');
  });

  it('says which endpoints are ordered, until they are no more or are gone', () => {
    const one = withOrdered(withEndpoint(empty, 'ep_1', undefined, 10), 'ep_1', true);
    expect([isOrderedTenant(empty), isOrderedTenant(one), one.ordered]).toEqual([false, true, ['ep_1']]);
    expect([withOrdered(one, 'ep_1', true), withOrdered(empty, 'ep_1', false)]).toEqual([one, empty]);
    expect([withOrdered(one, 'ep_1', false), withoutEndpoints(one, new Set(['ep_1']))].map(isOrderedTenant)).toEqual([false, false]);
  });

  it('takes __proto__ and constructor for the plain words they are', () => {
    const odd = parseTenant(JSON.stringify(withEndpoint(empty, 'ep_1', '__proto__', 10)));
    expect(odd && idOfUid(odd, '__proto__')).toBe('ep_1');
    expect(idOfUid(empty, 'constructor')).toBeUndefined();
    expect(code(() => withEndpoint(empty, 'ep_1', 'constructor', 10))).toBe('none');
  });

  it.each(['', 'null', '[]', '{"tenant":"acme"}', '{"tenant":"acme","endpoints":1,"uids":{},"settings":{}}'])('does not read %j as an entry', (text) => {
    expect(parseTenant(text)).toBeUndefined();
  });
});
