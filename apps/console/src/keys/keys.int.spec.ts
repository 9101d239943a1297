import { startConsole, startConsoleAndBroker, type RunningConsole } from '../../test/running-console.ts';
import { eventually } from '@spillway/testing';

let running: RunningConsole;
beforeAll(async () => {
  running = await startConsoleAndBroker();
});
afterAll(() => running.stop());

const path = '/v1/tenants/acme/endpoints';

it('makes a key that acts for its tenant and scope, shows it once, and ends it within a second everywhere', async () => {
  const other = await startConsole(running.plane);
  const { status, body } = await running.call('POST', '/v1/keys', { body: { tenant: 'acme', scopes: ['endpoints:read'], description: 'for the billing team' } });
  expect([status, body['key']]).toEqual([201, expect.stringMatching(/^spk_[0-9a-f]{16}_/)]);
  const key = body['key'] as string;
  const id = body['id'] as string;
  expect((await running.call('GET', path, { key })).status).toBe(200);
  await eventually(async () => expect((await other.call('GET', path, { key })).status).toBe(200));
  const listed = await running.call('GET', '/v1/keys');
  expect(listed.body['items']).toMatchObject([{ id, tenant: 'acme', scopes: ['endpoints:read'], description: 'for the billing team', createdBy: 'admin' }]);
  expect(JSON.stringify(listed.body)).not.toMatch(/hash|spk_/);
  expect((await running.call('DELETE', `/v1/keys/${id}`)).status).toBe(204);
  const endedAt = performance.now();
  expect((await running.call('GET', path, { key })).status).toBe(401);
  let lastTakenAt = endedAt;
  await eventually(async () => {
    const askedAt = performance.now();
    const { status: answered } = await other.call('GET', path, { key });
    if (answered !== 401) lastTakenAt = askedAt;
    expect(answered).toBe(401);
  });
  expect(lastTakenAt - endedAt).toBeLessThan(1_000);
  expect((await running.call('DELETE', `/v1/keys/${id}`)).body).toMatchObject({ status: 404, code: 'unknown_key' });
  await other.stop();
});

it('gives a key a rate of its own, and shows it', async () => {
  const { status, body } = await running.call('POST', '/v1/keys', { body: { scopes: ['events:write'], ratePerSecond: 20 } });
  expect([status, body['ratePerSecond']]).toEqual([201, 20]);
  expect((await running.call('DELETE', `/v1/keys/${body['id'] as string}`)).status).toBe(204);
});

const statusWith = async (key: string): Promise<number> => (await running.call('GET', path, { key })).status;
const keyFor = async (lifeMs: number): Promise<string> => {
  const expiresAt = new Date(Date.now() + lifeMs).toISOString();
  return (await running.call('POST', '/v1/keys', { body: { scopes: ['endpoints:read'], expiresAt } })).body['key'] as string;
};

it('lets a key expire', async () => {
  // on a slow machine it takes a longer life to be seen alive
  let lifeMs = 1_500;
  let key = await keyFor(lifeMs);
  while ((await statusWith(key)) !== 200) key = await keyFor((lifeMs *= 2));
  await eventually(async () => expect(await statusWith(key)).toBe(401), 20_000 + lifeMs);
});

it('lets a tenant’s key manage its own tenant’s keys, and nothing beyond', async () => {
  const key = await running.keyWith(['keys:admin', 'endpoints:read'], 'acme');
  const foreign = await running.keyWith(['endpoints:read'], 'other');
  const make = (body: object) => running.call('POST', '/v1/keys', { key, body });
  expect((await make({ tenant: 'acme', scopes: ['endpoints:read'] })).status).toBe(201);
  for (const body of [{ tenant: 'acme', scopes: ['endpoints:write'] }, { tenant: 'other', scopes: ['endpoints:read'] }, { scopes: ['endpoints:read'] }]) {
    expect((await make(body)).body).toMatchObject({ status: 403, code: 'may_not_grant' });
  }
  const { items } = (await running.call('GET', '/v1/keys', { key })).body as { items: { tenant?: string }[] };
  expect(items.length).toBe(2);
  expect(items.every(({ tenant }) => tenant === 'acme')).toBe(true);
  const foreignId = foreign.split('_')[1] ?? '';
  for (const method of ['GET', 'DELETE']) expect((await running.call(method, `/v1/keys/${foreignId}`, { key })).body).toMatchObject({ status: 404, code: 'unknown_key' });
  expect((await running.call('GET', path.replace('acme', 'other'), { key: foreign })).status).toBe(200);
});
