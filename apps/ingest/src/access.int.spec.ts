import { testLog } from '@spillway/jetstream/testing';
import { KeyRing, KeyStore, type Scope } from '@spillway/keys';
import { eventually } from '@spillway/testing';
import { startRig, type Rig } from '../test/rig.ts';

let rig: Rig;
let ring: KeyRing;
let store: KeyStore;
beforeAll(async () => {
  rig = await startRig();
  ring = await KeyRing.open(await rig.plane.connect(), { log: testLog });
  await ring.bucket.whenReady();
  store = new KeyStore(ring.bucket);
});
afterAll(async () => {
  ring.close();
  await rig.stop();
});

const event = (tenant: string): string => JSON.stringify({ tenant, type: 'a', data: 1 });

/** Status and code of an event sent with that key. */
const send = async (key: string | undefined, tenant = 'acme', body = event(tenant)): Promise<unknown[]> => {
  const { status, problem } = await rig.post(body, { authorization: key === undefined ? undefined : `Bearer ${key}` });
  return status === 202 ? [202] : [status, problem.code];
};

const made = async (scopes: Scope[], tenant?: string, expiresAt?: string): Promise<{ id: string; text: string }> => {
  const { record, text } = await store.create({ scopes, ...(tenant && { tenant }), ...(expiresAt && { expiresAt }) }, 'test');
  return { id: record.id, text };
};

it('takes a key that was made a moment ago, and refuses it within a second of its revocation', async () => {
  const { id, text } = await made(['events:write'], 'acme');
  await eventually(async () => expect(await send(text)).toEqual([202]));
  await store.remove(id);
  const revokedAt = performance.now();
  let lastTakenAt = revokedAt;
  await eventually(async () => {
    const sentAt = performance.now();
    // what is no event is stored nowhere: this waits for no disk
    const answer = await send(text, 'acme', '{');
    if (answer[0] !== 401) lastTakenAt = sentAt;
    expect(answer).toEqual([401, 'unauthenticated']);
  });
  expect(lastTakenAt - revokedAt).toBeLessThan(1_000);
});

it('refuses no key, a wrong one and an expired one, and says how it is done', async () => {
  expect(await send(undefined)).toEqual([401, 'unauthenticated']);
  expect(await send('nonsense')).toEqual([401, 'unauthenticated']);
  expect(await send((await made(['events:write'], 'acme', '2020-01-01T00:00:00.000Z')).text)).toEqual([401, 'unauthenticated']);
  expect((await rig.post(event('acme'), { authorization: undefined })).headers.get('www-authenticate')).toBe('Bearer');
  expect((await rig.post(event('acme'), { authorization: 'Bearer x' })).headers.get('www-authenticate')).toBe('Bearer error="invalid_token"');
  expect((await rig.post(event('acme'), { authorization: 'Basic dXNlcjpwYXNz' })).status).toBe(401);
});

/** A key that was taken before it expires: on a slow machine that takes a longer life. */
const takenForNow = async (): Promise<{ text: string; expiresAtMs: number }> => {
  for (let lifeMs = 3_000; ; lifeMs *= 2) {
    const expiresAtMs = Date.now() + lifeMs;
    const { text } = await made(['events:write'], 'acme', new Date(expiresAtMs).toISOString());
    while (Date.now() < expiresAtMs) if ((await send(text))[0] === 202) return { text, expiresAtMs }; // fetch keeps its connection
  }
};

it('refuses a key from the moment it expires, also on a connection that it opened', async () => {
  const { text, expiresAtMs } = await takenForNow();
  await eventually(async () => {
    const sentAtMs = Date.now();
    const answer = await send(text);
    if (sentAtMs < expiresAtMs) throw new Error('it has not expired yet');
    expect(answer).toEqual([401, 'unauthenticated']);
  });
});

it('refuses before it reads: what is wrong with the body of a stranger is not looked at', async () => {
  expect(await send(undefined, 'acme', '{')).toEqual([401, 'unauthenticated']);
  expect(await send(undefined, 'acme', 'x'.repeat(300_000))).toEqual([401, 'unauthenticated']);
});

it('does not confuse a route with its spelling', async () => {
  const answer = await fetch(`${rig.url}/%761/events`, { method: 'POST', body: event('acme'), headers: { 'content-type': 'application/json' } });
  expect([401, 404]).toContain(answer.status);
});

it('asks for the scope', async () => {
  const { text } = await made(['events:read', 'endpoints:write'], 'acme');
  await eventually(async () => expect(await send(text)).toEqual([403, 'missing_scope']));
});

it('keeps a tenant’s key to its tenant', async () => {
  const { text } = await made(['events:write'], 'acme');
  await eventually(async () => expect(await send(text)).toEqual([202]));
  expect(await send(text, 'other')).toEqual([403, 'wrong_tenant']);
  expect(await send(text, 'acme2')).toEqual([403, 'wrong_tenant']);
});

it('keeps our own tenants to the admin key', async () => {
  const { text } = await made(['events:write']);
  await eventually(async () => expect(await send(text, 'anybody')).toEqual([202]));
  expect(await send(text, '_system')).toEqual([403, 'wrong_tenant']);
  expect((await rig.post(event('_system'))).status).toBe(202);
});
