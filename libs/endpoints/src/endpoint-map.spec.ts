import { EndpointMap } from './endpoint-map.ts';
import { registryKey, type EndpointRecord } from './record.ts';
import { emptyTenant } from './tenant-entry.ts';

const AT = '2026-01-01T00:00:00.000Z';
const idOf = (n: number | string) => `ep_${String(n).padStart(8, '0')}`;
const record = (id: string, over: Partial<EndpointRecord> = {}): EndpointRecord => ({ id, tenant: 'acme', url: 'https://example.com/', enabled: true, secrets: [], state: 'active', createdAt: AT, updatedAt: AT, ...over });

const mapOf = (...records: EndpointRecord[]) => {
  const map = new EndpointMap();
  const put = (one: EndpointRecord) => map.apply(registryKey.endpoint(one.id), JSON.stringify(one));
  const list = (tenant: string, ids: string[]) => map.apply(registryKey.tenant(tenant), JSON.stringify({ ...emptyTenant(tenant, AT), endpoints: ids }));
  records.forEach(put);
  list('acme', records.map(({ id }) => id));
  return { map, put, list };
};
const ids = (records: EndpointRecord[]) => records.map(({ id }) => id);

describe('EndpointMap', () => {
  it('finds who wants a type, and says apart who is disabled', () => {
    const { map } = mapOf(record(idOf(1), { types: ['invoice.*'] }), record(idOf(2)), record(idOf(3), { types: ['order.*'] }), record(idOf(4), { enabled: false }));
    const { deliver, skipped } = map.matching('acme', 'invoice.paid');
    expect([ids(deliver), ids(skipped)]).toEqual([[idOf(1), idOf(2)], [idOf(4)]]);
    expect(map.matching('other', 'invoice.paid')).toEqual({ deliver: [], skipped: [], absent: [] });
  });

  it('answers anew after each change of the tenant, and only then', () => {
    const { map, put, list } = mapOf(record(idOf(1), { types: ['invoice.*'] }));
    const first = map.matching('acme', 'invoice.paid');
    list('other', []);
    expect(map.matching('acme', 'invoice.paid')).toBe(first);
    put(record(idOf(1), { types: ['order.*'] }));
    expect(map.matching('acme', 'invoice.paid').deliver).toEqual([]);
    put(record(idOf(2)));
    expect(map.matching('acme', 'invoice.paid').deliver).toEqual([]);
    list('acme', [idOf(1), idOf(2)]);
    expect(ids(map.matching('acme', 'invoice.paid').deliver)).toEqual([idOf(2)]);
  });

  it('gives a deleted endpoint nothing, and keeps its record', () => {
    const { map, put } = mapOf(record(idOf(1)));
    put(record(idOf(1), { state: 'deleted' }));
    expect(map.matching('acme', 'a')).toEqual({ deliver: [], skipped: [], absent: [] });
    expect(map.get(idOf(1))?.state).toBe('deleted');
    expect(map.endpointsOf('acme')).toEqual([]);
    expect(map.activeRecordsOf('acme')).toBe(0);
  });

  it('names a listed endpoint whose record is gone, garbled or somebody else’s', () => {
    const unreadable: string[] = [];
    const map = new EndpointMap((key) => unreadable.push(key));
    map.apply(registryKey.tenant('acme'), JSON.stringify({ ...emptyTenant('acme', AT), endpoints: [idOf(1), idOf(2), idOf(3)] }));
    map.apply(registryKey.endpoint(idOf(2)), '{"id":');
    map.apply(registryKey.endpoint(idOf(3)), JSON.stringify(record(idOf(3), { tenant: 'other' })));
    expect(map.matching('acme', 'a').absent).toEqual([idOf(1), idOf(2), idOf(3)]);
    expect(unreadable).toEqual([registryKey.endpoint(idOf(2))]);
    map.apply(registryKey.endpoint(idOf(1)), JSON.stringify(record(idOf(1))));
    expect(map.matching('acme', 'a').absent).toEqual([idOf(2), idOf(3)]);
    map.apply(registryKey.endpoint(idOf(1)), undefined);
    expect(map.matching('acme', 'a').absent).toHaveLength(3);
  });

  it('does not grow with the types that producers make up', () => {
    const { map } = mapOf(record(idOf(1)));
    const first = map.matching('acme', 'type.0');
    for (let n = 1; n <= 25_000; n += 1) map.matching('acme', `type.${n}`);
    expect(map.matching('acme', 'type.0')).not.toBe(first);
    expect(map['cached']).toBeLessThanOrEqual(10_000);
  });

  it('holds a hundred thousand endpoints of a hundred tenants, and answers in microseconds', () => {
    const map = new EndpointMap();
    for (let tenant = 0; tenant < 100; tenant += 1) {
      const own = Array.from({ length: 1_000 }, (_, n) => idOf(tenant * 1_000 + n));
      for (const id of own) map.apply(registryKey.endpoint(id), JSON.stringify(record(id, { tenant: `t${tenant}`, types: ['invoice.*', 'order.**'] })));
      map.apply(registryKey.tenant(`t${tenant}`), JSON.stringify({ ...emptyTenant(`t${tenant}`, AT), endpoints: own }));
    }
    map.matching('t5', 'invoice.paid');
    const started = performance.now();
    for (let n = 0; n < 100_000; n += 1) map.matching('t5', 'invoice.paid');
    const perLookUpMs = (performance.now() - started) / 100_000;
    expect(map.matching('t5', 'invoice.paid').deliver).toHaveLength(1_000);
    expect(perLookUpMs).toBeLessThan(0.05);
  });
});
