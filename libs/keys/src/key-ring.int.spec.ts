import { startPlaneBroker, testLog, type PlaneBroker } from '@spillway/jetstream/testing';
import { eventually } from '@spillway/testing';
import { keyKey } from './key-record.ts';
import { KeyRing } from './key-ring.ts';
import { KeyStore } from './key-store.ts';

let plane: PlaneBroker;
let operator: KeyRing;
let ingest: KeyRing;
let store: KeyStore;

const open = async (): Promise<KeyRing> => {
  const ring = await KeyRing.open(await plane.connect(), { adminKey: 'correct horse battery staple', log: testLog });
  await ring.bucket.whenReady();
  return ring;
};

beforeAll(async () => {
  plane = await startPlaneBroker();
  [operator, ingest] = [await open(), await open()];
  store = new KeyStore(operator.bucket);
});
afterAll(async () => {
  operator.close();
  ingest.close();
  await plane.stop();
});

describe('KeyRing', () => {
  it('knows a key as soon as it was made, and forgets it in every process within a second of its removal', async () => {
    const { record, text } = await store.create({ tenant: 'acme', scopes: ['events:write'] }, 'admin');
    expect(operator.authenticate(`Bearer ${text}`)).toMatchObject({ id: record.id, tenant: 'acme', admin: false });
    await eventually(() => expect(ingest.authenticate(text)).toBeDefined());
    await store.remove(record.id);
    expect(operator.authenticate(text)).toBeUndefined();
    await eventually(() => expect(ingest.authenticate(text)).toBeUndefined(), 1_000);
  });

  it('stores no key, and not the admin’s either', async () => {
    const { record, text } = await store.create({ scopes: ['status:read'] }, 'admin');
    const stored = [...operator.bucket.entries()].map(([, { value }]) => value).join('\n');
    expect(stored).toContain(record.hash);
    expect(stored).not.toContain(text.slice(-43));
    expect(stored).not.toContain('correct horse');
  });

  it('refuses a right id with a wrong secret, a key that has expired, and no key at all', async () => {
    const { text } = await store.create({ scopes: ['status:read'], expiresAt: '2030-01-01T00:00:00.000Z' }, 'admin');
    const wrong = `${text.slice(0, -1)}${text.endsWith('A') ? 'B' : 'A'}`;
    expect(operator.authenticate(text, Date.parse('2029-12-31T23:59:59.999Z'))).toBeDefined();
    expect(operator.authenticate(text, Date.parse('2030-01-01T00:00:00.000Z'))).toBeUndefined();
    expect([wrong, '', 'Bearer', 'Bearer ', 'Bearer spk_', 'Basic abc', undefined].map((key) => operator.authenticate(key))).toEqual(Array.from({ length: 7 }));
  });

  it('takes the admin key of the configuration, and only that', async () => {
    expect(operator.authenticate('Bearer correct horse battery staple')).toMatchObject({ id: 'admin', admin: true });
    const without = await KeyRing.open(await plane.connect(), { adminKey: '', log: testLog });
    expect(without.authenticate('')).toBeUndefined();
    expect(without.authenticate('Bearer ')).toBeUndefined();
    without.close();
  });

  it('opens nothing with an entry that it cannot read, or that stands under another id', async () => {
    const { record, text } = await store.create({ scopes: ['status:read'] }, 'admin');
    const entry = operator.bucket.get(keyKey(record.id))?.value as string;
    await operator.bucket.caughtUp(await operator.bucket.put(keyKey('0000000000000000'), entry));
    expect(operator.get('0000000000000000')).toBeUndefined();
    await operator.bucket.caughtUp(await operator.bucket.put(keyKey(record.id), entry.slice(0, 20)));
    expect(operator.authenticate(text)).toBeUndefined();
  });

  it('costs microseconds a request', async () => {
    const { text } = await store.create({ scopes: ['events:write'] }, 'admin');
    const started = performance.now();
    for (let n = 0; n < 10_000; n += 1) operator.authenticate(`Bearer ${text}`);
    expect((performance.now() - started) / 10_000).toBeLessThan(0.2);
  });
});
