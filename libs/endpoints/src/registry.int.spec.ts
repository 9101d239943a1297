import { newSecret, parseSecret } from '@spillway/standard-webhooks';
import { startPlaneBroker, testLog, type PlaneBroker } from '@spillway/jetstream/testing';
import { eventually } from '@spillway/testing';
import { registryKey, type EndpointDraft, type EndpointRecord } from './record.ts';
import { EndpointRegistry } from './registry.ts';
import { newMasterKey, parseMasterKeys } from './seal.ts';
import { EndpointStore } from './store.ts';

const masterKeys = parseMasterKeys(newMasterKey());
const draft = (over: Partial<EndpointDraft> = {}): EndpointDraft => ({ url: 'https://example.com/hook', enabled: true, ...over });

let plane: PlaneBroker;
let registry: EndpointRegistry;
let store: EndpointStore;
let tenants = 0;
const newTenant = () => `tenant-${(tenants += 1)}`;

const open = async (): Promise<EndpointRegistry> => {
  const opened = await EndpointRegistry.open(await plane.connect(), { log: testLog, masterKeys });
  await opened.bucket.whenReady();
  return opened;
};

beforeAll(async () => {
  plane = await startPlaneBroker();
  registry = await open();
  store = new EndpointStore(registry, { masterKeys, maxEndpoints: 30 });
});
afterAll(async () => {
  registry.close();
  await plane.stop();
});

describe('writing', () => {
  it('makes an endpoint that is seen at once here, soon elsewhere, and whose secret is sealed', async () => {
    const tenant = newTenant();
    const secret = newSecret();
    const record = await store.create(tenant, draft({ types: ['invoice.*'], uid: 'crm' }), secret);
    expect(registry.find(tenant, 'crm')).toEqual(record);
    expect(registry.find(tenant, record.id)).toEqual(record);
    expect(registry.find('other', record.id)).toBeUndefined();
    expect(registry.bucket.get(registryKey.endpoint(record.id))?.value).not.toContain(secret);

    const elsewhere = await open();
    expect(elsewhere.matching(tenant, 'invoice.paid').deliver.map(({ id }) => id)).toEqual([record.id]);
    const [key] = elsewhere.secretOf(elsewhere.get(record.id) as EndpointRecord);
    expect(key?.equals(parseSecret(secret))).toBe(true);
    elsewhere.close();
  });

  it('keeps a deleted endpoint’s record, and nothing that was entrusted to it', async () => {
    const tenant = newTenant();
    const { id } = await store.create(tenant, draft({ uid: 'crm', headers: { authorization: 'Bearer theirs' } }), newSecret());
    await store.remove(tenant, id);
    expect(registry.get(id)).toMatchObject({ state: 'deleted', enabled: false, secrets: [] });
    expect(registry.bucket.get(registryKey.endpoint(id))?.value).not.toContain('theirs');
    expect(registry.find(tenant, id)).toBeUndefined();
    await expect(store.remove(tenant, id)).rejects.toMatchObject({ code: 'unknown_endpoint' });
    await expect(store.change(tenant, id, (record) => ({ ...record, enabled: true }))).rejects.toMatchObject({ code: 'unknown_endpoint' });
    expect(await store.create(tenant, draft({ uid: 'crm' }), newSecret())).toMatchObject({ uid: 'crm' });
  });

  it('ends a removal that died between record and list', async () => {
    const tenant = newTenant();
    const record = await store.create(tenant, draft(), newSecret());
    await registry.bucket.caughtUp(await registry.bucket.put(registryKey.endpoint(record.id), JSON.stringify({ ...record, state: 'deleted' })));
    await store.remove(tenant, record.id);
    expect(registry.tenant(tenant)?.endpoints).toEqual([]);
  });

  it('holds the limit and the uids although two consoles write at once', async () => {
    const tenant = newTenant();
    const other = await open();
    const stores = [store, new EndpointStore(other, { masterKeys, maxEndpoints: 30 })];
    const answers = await Promise.allSettled(Array.from({ length: 40 }, (_, n) => (stores[n % 2] as EndpointStore).create(tenant, draft({ uid: `uid-${n % 35}` }), newSecret())));
    const made = answers.filter((answer) => answer.status === 'fulfilled').map(({ value }) => value);
    const codes = answers.filter((answer) => answer.status === 'rejected').map(({ reason }) => (reason as { code: string }).code);
    expect(made).toHaveLength(30);
    expect(new Set(made.map(({ uid }) => uid)).size).toBe(30);
    expect(codes.every((code) => code === 'too_many_endpoints' || code === 'uid_taken')).toBe(true);
    await eventually(() => expect(other.endpointsOf(tenant)).toHaveLength(30));
    // whoever lost the race left no record behind that says *active*
    await eventually(() => expect(registry.map.activeRecordsOf(tenant)).toBe(30));
    other.close();
  });

  it('loses no change although two consoles change one endpoint', async () => {
    const tenant = newTenant();
    const other = await open();
    const { id } = await store.create(tenant, draft({ metadata: {} }), newSecret());
    const stores = [store, new EndpointStore(other, { masterKeys })];
    await Promise.all(
      Array.from({ length: 20 }, (_, n) => (stores[n % 2] as EndpointStore).change(tenant, id, (record) => ({ ...record, metadata: { ...record.metadata, [`k${n}`]: 'v' } }))),
    );
    await eventually(() => expect(Object.keys(registry.get(id)?.metadata ?? {})).toHaveLength(20));
    other.close();
  });

  it('deletes a tenant with all its endpoints, and the tenant may come again', async () => {
    const tenant = newTenant();
    for (let n = 0; n < 3; n += 1) await store.create(tenant, draft(), newSecret());
    expect(await store.removeTenant(tenant)).toHaveLength(3);
    expect(registry.tenant(tenant)).toMatchObject({ endpoints: [], state: 'deleted' });
    await store.create(tenant, draft(), newSecret());
    expect(registry.tenant(tenant)).toMatchObject({ state: 'active' });
  });

  it('does not write over an entry that it cannot read', async () => {
    const tenant = newTenant();
    await registry.bucket.caughtUp(await registry.bucket.put(registryKey.tenant(tenant), '{"endp'));
    await expect(store.create(tenant, draft(), newSecret())).rejects.toMatchObject({ code: 'SPILLWAY_REGISTRY_DAMAGED' });
    expect(await registry.confirmNone(tenant)).toBe('not_in_sight');
  });
});

describe('concluding that nobody wants an event', () => {
  it('is certain for a tenant that never had an endpoint, and for one whose endpoints want other types', async () => {
    const tenant = newTenant();
    expect(await registry.confirmNone(tenant, 'invoice.paid')).toBe('none');
    await store.create(tenant, draft({ types: ['order.*'] }), newSecret());
    expect(await registry.confirmNone(tenant, 'invoice.paid')).toBe('none');
    expect(await registry.confirmNone(tenant, 'order.made')).toBe('not_in_sight');
  });

  it('is refused while the leader knows more than the watch has brought: a new endpoint, a new type', async () => {
    const tenant = newTenant();
    const { id } = await store.create(tenant, draft({ types: ['order.*'] }), newSecret());
    const behind = await open();
    // the watch of this one stands still; its memory stays as it is
    (behind.bucket as unknown as { watch: { stop(): void }; closed: boolean }).closed = true;
    (behind.bucket as unknown as { watch: { stop(): void } }).watch.stop();
    expect(await behind.confirmNone(tenant, 'invoice.paid')).toBe('none');
    await store.change(tenant, id, (record) => ({ ...record, types: ['invoice.*'] }));
    expect(behind.matching(tenant, 'invoice.paid').deliver).toEqual([]);
    expect(await behind.confirmNone(tenant, 'invoice.paid')).toBe('not_in_sight');
    const fresh = newTenant();
    await store.create(fresh, draft(), newSecret());
    expect(await behind.confirmNone(fresh, 'invoice.paid')).toBe('not_in_sight');
    behind.close();
  });

  it('is refused when a record, or a tenant’s entry, was taken out of the bucket by hand', async () => {
    const [tenant, other] = [newTenant(), newTenant()];
    const { id } = await store.create(tenant, draft(), newSecret());
    await registry.bucket.caughtUp(await registry.bucket.remove(registryKey.endpoint(id)));
    expect(registry.matching(tenant, 'a')).toMatchObject({ deliver: [], absent: [id] });
    expect(await registry.confirmNone(tenant, 'a')).toBe('not_in_sight');
    await store.create(other, draft(), newSecret());
    await registry.bucket.caughtUp(await registry.bucket.remove(registryKey.tenant(other)));
    expect(await registry.confirmNone(other, 'a')).toBe('not_in_sight');
  });

  it('asks the leader twice for a thousand events of one tenant, not a thousand times', async () => {
    const tenant = newTenant();
    const read = registry.bucket.read.bind(registry.bucket);
    let reads = 0;
    registry.bucket.read = (key) => {
      reads += 1;
      return read(key);
    };
    const answers = await Promise.all(Array.from({ length: 1_000 }, () => registry.confirmNone(tenant, 'a')));
    registry.bucket.read = read;
    expect(new Set(answers)).toEqual(new Set(['none']));
    expect(reads).toBe(2);
  });
});

describe('a bucket that cannot be believed', () => {
  it('makes the registry unready when it comes back empty, and no conclusion is drawn from it', async () => {
    const own = await startPlaneBroker();
    const watched = await EndpointRegistry.open(await own.connect(), { log: testLog, masterKeys });
    await watched.bucket.whenReady();
    const { id } = await new EndpointStore(watched, { masterKeys }).create('acme', draft(), newSecret());
    await own.broker.api('STREAM.PURGE.KV_webhook_endpoints', {});
    await eventually(() => expect(watched.state.ready).toBe(false));
    expect(watched.state.why).toMatch(/emptied/);
    expect(await watched.confirmNone('acme', 'a')).toBe('not_in_sight');
    expect(watched.get(id)?.state).toBe('active');
    watched.close();
    await own.stop();
  });

  it('refuses a new endpoint when it is full, and takes it after the limit was raised', async () => {
    const own = await startPlaneBroker({ limits: { maxBytes: { KV_webhook_endpoints: 8_192 } } });
    const watched = await EndpointRegistry.open(await own.connect(), { log: testLog, masterKeys });
    await watched.bucket.whenReady();
    const full = new EndpointStore(watched, { masterKeys });
    const fill = async () => {
      for (let n = 0; n < 50; n += 1) await full.create('acme', draft({ description: 'x'.repeat(500) }), newSecret());
    };
    await expect(fill()).rejects.toMatchObject({ code: 'SPILLWAY_PUBLISH_REFUSED', kind: 'stream_full' });
    const info = await own.broker.api<{ config: object }>('STREAM.INFO.KV_webhook_endpoints');
    await own.broker.api('STREAM.UPDATE.KV_webhook_endpoints', { ...info.config, max_bytes: 1_000_000 });
    await full.create('acme', draft(), newSecret());
    watched.close();
    await own.stop();
  });

  it('is ready again after the broker was killed, with what was written before', async () => {
    const own = await startPlaneBroker();
    const watched = await EndpointRegistry.open(await own.connect(), { log: testLog, masterKeys });
    await watched.bucket.whenReady();
    const writer = new EndpointStore(watched, { masterKeys });
    const { id } = await writer.create('acme', draft(), newSecret());
    await own.server.kill();
    await eventually(() => expect(watched.state.ready).toBe(false));
    await expect(writer.create('acme', draft(), newSecret())).rejects.toMatchObject({ code: 'SPILLWAY_BROKER_AWAY' });
    await own.server.restart();
    await watched.bucket.whenReady();
    expect(watched.find('acme', id)?.id).toBe(id);
    const { id: next } = await writer.create('acme', draft(), newSecret());
    // right after a reconnect the watch may be behind what was written
    await eventually(() => expect(watched.matching('acme', 'a').deliver.map((record) => record.id)).toEqual([id, next]));
    watched.close();
    await own.stop();
  });
});
