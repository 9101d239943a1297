import type { EndpointLearnt, EndpointsLearnt } from '@spillway/contracts';
import type { EndpointRecord } from '@spillway/endpoints';
import { answerTo, Publisher, WatchedBucket } from '@spillway/jetstream';
import { testLog } from '@spillway/jetstream/testing';
import { eventually } from '@spillway/testing';
import { shardOf, subject } from '@spillway/topology';
import { factsOf } from '../../test/facts-of.ts';
import { startConsole, startConsoleAndBroker, type Answer, type RunningConsole } from '../../test/running-console.ts';

let running: RunningConsole;
let tenants = 0;
const newTenant = () => `tenant-${(tenants += 1)}`;
const at = (tenant: string, rest = '') => `/v1/tenants/${tenant}/endpoints${rest}`;
const url = 'https://example.com/hook';

const create = async (tenant: string, over: object = {}): Promise<Answer['body'] & { id: string; secret: string }> => {
  const { status, body } = await running.call('POST', at(tenant), { body: { url, ...over } });
  expect(status).toBe(201);
  return body as Answer['body'] & { id: string; secret: string };
};

beforeAll(async () => {
  running = await startConsoleAndBroker();
});
afterAll(() => running.stop());

describe('an endpoint', () => {
  it('is made with a secret that is shown then, on request, and nowhere else', async () => {
    const tenant = newTenant();
    const { id, secret } = await create(tenant, { types: ['invoice.*'], uid: 'crm', metadata: { plan: 'pro' } });
    expect(id).toMatch(/^ep_/);
    expect(secret).toMatch(/^whsec_/);
    const { body } = await running.call('GET', at(tenant, `/${id}`));
    expect(body).toMatchObject({ id, tenant, url, types: ['invoice.*'], uid: 'crm', metadata: { plan: 'pro' }, enabled: true });
    expect(JSON.stringify([body, (await running.call('GET', at(tenant))).body])).not.toContain('whsec_');
    expect((await running.call('GET', at(tenant, '/crm/secret'))).body).toEqual({ secret });
    expect((await running.call('GET', at(tenant, `/${id}/secret`))).body).toEqual({ secret });
  });

  it('may bring the secret that its customer has', async () => {
    const secret = `whsec_${Buffer.alloc(24, 7).toString('base64')}`;
    expect((await create(newTenant(), { secret })).secret).toBe(secret);
  });

  it('is changed in what is named, by its uid too, and null takes a setting back', async () => {
    const tenant = newTenant();
    const { id } = await create(tenant, { uid: 'crm', maxInFlight: 5, types: ['a'] });
    const { status, body } = await running.call('PATCH', at(tenant, '/crm'), { body: { maxInFlight: null, types: ['b', 'c.**'], uid: 'erp' } });
    expect([status, body['id'], body['types'], body['maxInFlight'], body['uid']]).toEqual([200, id, ['b', 'c.**'], undefined, 'erp']);
    expect((await running.call('GET', at(tenant, '/crm'))).status).toBe(404);
    expect((await running.call('GET', at(tenant, '/erp'))).body).toEqual(body);
  });

  it('has a schedule and a rate of its own, which a change takes back', async () => {
    const tenant = newTenant();
    const { id } = await create(tenant, { schedule: [1, 60, 3_600], ratePerSecond: 2.5 });
    expect((await running.call('GET', at(tenant, `/${id}`))).body).toMatchObject({ schedule: [1, 60, 3_600], ratePerSecond: 2.5 });
    expect((await running.call('PATCH', at(tenant, `/${id}`), { body: { schedule: [], ratePerSecond: null } })).body).toMatchObject({ schedule: [] });
    const { body } = await running.call('PATCH', at(tenant, `/${id}`), { body: { schedule: null } });
    expect([body['schedule'], body['ratePerSecond']]).toEqual([undefined, undefined]);
  });

  it('is ordered when it is asked to be, and the tenant’s entry says so for as long', async () => {
    const tenant = newTenant();
    const registry = await WatchedBucket.open(running.plane.broker, 'webhook_endpoints', { log: testLog });
    const ordered = async () => (JSON.parse((await registry.read(`tenant.${tenant}`))?.value ?? '{}') as { ordered?: string[] }).ordered ?? [];
    const { id } = await create(tenant, { ordered: true });
    const other = await create(tenant);
    expect([(await running.call('GET', at(tenant, `/${id}`))).body['ordered'], await ordered()]).toEqual([true, [id]]);
    await running.call('PATCH', at(tenant, `/${other.id}`), { body: { ordered: true } });
    await running.call('PATCH', at(tenant, `/${id}`), { body: { ordered: false } });
    expect(await ordered()).toEqual([other.id]);
    await running.call('DELETE', at(tenant, `/${other.id}`));
    expect(await ordered()).toEqual([]);
    expect((await running.call('PATCH', at(tenant, `/${id}`), { body: { ordered: 'yes' } })).body).toMatchObject({ status: 422, errors: [{ field: 'ordered' }] });
    registry.close();
  });

  it('says how it is: enabled, disabled, failing, and what is parked for it', async () => {
    const tenant = newTenant();
    const { id } = await create(tenant);
    const health = async (rest: string) => (await running.call('GET', at(tenant, rest))).body;
    expect((await health(`/${id}`))['health']).toEqual({ state: 'enabled', circuit: null, parked: 0 });
    const parked = new Publisher(running.plane.broker, 'WEBHOOK_PARKED');
    for (const kind of ['first', 'first', 'later'] as const) await parked.publish(subject.parked(kind, shardOf(id), id), [], Buffer.from('{}'));
    await running.call('PATCH', at(tenant, `/${id}`), { body: { enabled: false } });
    expect((await health(`/${id}`))['health']).toEqual({ state: 'disabled', circuit: null, parked: 3 });
    await running.call('PATCH', at(tenant, `/${id}`), { body: { enabled: true } });
    // as who attempts writes it
    const registry = await WatchedBucket.open(running.plane.broker, 'webhook_endpoints', { log: testLog });
    const record = JSON.parse((await registry.read(`endpoint.${id}`))?.value ?? '') as EndpointRecord;
    const failingSince = '2026-01-01T00:00:00.000Z';
    await registry.put(`endpoint.${id}`, JSON.stringify({ ...record, failingSince, failedWith: { kind: 'status', status: 503 } } satisfies EndpointRecord));
    registry.close();
    const expected = { state: 'failing', circuit: null, parked: 3, failingSince, firstFailure: { kind: 'status', status: 503 } };
    await eventually(async () => expect([(await health(`/${id}`))['health'], ((await health(''))['items'] as { health: object }[])[0]?.health]).toEqual([expected, expected]));
  });

  it('says what the owners of its shard have learnt of it: the worse circuit, and the newest failure', async () => {
    const tenant = newTenant();
    const { id } = await create(tenant);
    const { broker } = running.plane;
    const leases = await WatchedBucket.open(broker, 'webhook_leases', { log: testLog });
    const failures: EndpointLearnt['lastFailure'][] = [{ at: '2026-01-01T00:00:00.000Z', kind: 'timeout' }, { at: '2026-01-01T00:00:09.000Z', kind: 'status', status: 503 }];
    const answers: EndpointsLearnt[] = [{ [id]: { app: 'dispatcher', circuit: 'half_open', lastFailure: failures[1] } }, { [id]: { app: 'retrier', circuit: 'open', lastFailure: failures[0] } }];
    const stop = answers.map((answer) => answerTo(broker, subject.askLearnt(shardOf(id)), (_, ids) => ((ids as string[]).includes(id) ? answer : undefined)));
    const expected = { state: 'enabled', circuit: 'open', parked: 0, lastFailure: failures[1] };
    // as owners renew their leases: that they are alive is what the console goes by
    const renew = async (): Promise<void> => {
      for (const app of ['dispatcher', 'retrier']) await leases.put(`${app}.${shardOf(id)}`, JSON.stringify({ holder: `${app}-test` }));
    };
    await eventually(async () => {
      await renew();
      const [one, list] = [await running.call('GET', at(tenant, `/${id}`)), await running.call('GET', at(tenant))];
      expect([one.body['health'], (list.body['items'] as { health: object }[])[0]?.health]).toEqual([expected, expected]);
    });
    stop[1]?.();
    await eventually(async () => {
      await renew();
      expect((await running.call('GET', at(tenant, `/${id}`))).body['health']).toMatchObject({ circuit: 'half_open' });
    });
    stop[0]?.();
    leases.close();
  });

  it('is gone once deleted, and unknown to other tenants always', async () => {
    const tenant = newTenant();
    const { id } = await create(tenant);
    for (const method of ['GET', 'DELETE']) expect((await running.call(method, at('somebody-else', `/${id}`))).body).toMatchObject({ status: 404, code: 'unknown_endpoint' });
    expect((await running.call('PATCH', at('somebody-else', `/${id}`), { body: { enabled: false } })).status).toBe(404);
    expect((await running.call('DELETE', at(tenant, `/${id}`))).status).toBe(204);
    for (const [method, rest] of [['GET', ''], ['DELETE', ''], ['GET', '/secret']] as const) {
      expect((await running.call(method, at(tenant, `/${id}${rest}`))).body).toMatchObject({ status: 404, code: 'unknown_endpoint' });
    }
    expect((await running.call('GET', at(tenant))).body).toEqual({ items: [], next: null, behindMs: 0 });
  });

  it('leaves its story in the ledger: who made, changed, disabled and deleted it', async () => {
    const tenant = newTenant();
    const { id } = await create(tenant);
    const key = await running.keyWith(['endpoints:write'], tenant);
    await running.call('PATCH', at(tenant, `/${id}`), { body: { description: 'theirs', enabled: false }, key });
    await running.call('PATCH', at(tenant, `/${id}`), { body: { description: 'theirs' } });
    await running.call('PATCH', at(tenant, `/${id}`), { body: { enabled: true } });
    await running.call('DELETE', at(tenant, `/${id}`));
    const facts = await factsOf(running.plane, tenant);
    const by = key.split('_')[1];
    expect(facts).toMatchObject([
      { type: 'endpoint.created', v: 1, tenant, endpoint: id, by: 'admin' },
      { type: 'endpoint.changed', endpoint: id, by, changed: ['description'] },
      { type: 'endpoint.disabled', endpoint: id, by, reason: 'requested' },
      { type: 'endpoint.changed', endpoint: id, by: 'admin', changed: ['enabled'] },
      { type: 'endpoint.deleted', endpoint: id, by: 'admin' },
    ]);
    expect(JSON.stringify(facts)).not.toContain('whsec_');
  });

  it('outlives the console, and its secret opens under the same master key', async () => {
    const key = Buffer.alloc(32, 1).toString('base64');
    const first = await startConsole(running.plane, { SPILLWAY_MASTER_KEY: key });
    const tenant = newTenant();
    const { body } = await first.call('POST', at(tenant), { body: { url } });
    await first.stop();
    const second = await startConsole(running.plane, { SPILLWAY_MASTER_KEY: key });
    await eventually(async () => expect((await second.call('GET', at(tenant, `/${String(body['id'])}/secret`))).body).toEqual({ secret: body['secret'] }));
    await second.stop();
    // the console of this file holds another key: it says so, and shows nothing
    const { status, body: problem } = await running.call('GET', at(tenant, `/${String(body['id'])}/secret`));
    expect([status, problem['code'], problem['detail']]).toEqual([500, 'registry_damaged', expect.stringContaining('no master key')]);
  });
});

describe('what is refused', () => {
  it.each([
    ['http://example.com/', 'https'],
    ['https://127.0.0.1/', 'public'],
    ['https://[::1]/', 'public'],
    ['https://169.254.169.254/latest/meta-data', 'public'],
    ['https://localhost/', 'local'],
    ['https://intranet/', 'local'],
    ['https://example.com:22/', 'port'],
    ['https://user:pw@example.com/', 'user'],
    ['gopher://example.com/', 'scheme'],
  ])('%s, which must not be dialled', async (bad, why) => {
    const { status, body } = await running.call('POST', at(newTenant()), { body: { url: bad } });
    expect([status, body['code'], body['detail']]).toEqual([422, 'forbidden_url', expect.stringContaining(why)]);
    const tenant = newTenant();
    const { id } = await create(tenant);
    expect((await running.call('PATCH', at(tenant, `/${id}`), { body: { url: bad } })).body).toMatchObject({ status: 422, code: 'forbidden_url' });
  });

  it('what comes later, what is unknown, and a header of ours, each by its name', async () => {
    const tenant = newTenant();
    expect((await running.call('POST', at(tenant), { body: { url, internal: true } })).body).toMatchObject({ status: 422, code: 'not_yet', errors: [{ field: 'internal' }] });
    expect((await running.call('POST', at(tenant), { body: { url, color: 'red' } })).body).toMatchObject({ status: 422, code: 'invalid_request', errors: [{ field: 'color', wanted: 'no such field' }] });
    expect((await running.call('POST', at(tenant), { body: { url, headers: { 'Webhook-Signature': 'x' } } })).body).toMatchObject({ status: 422, errors: [{ field: 'headers' }] });
    expect((await running.call('POST', at(tenant), { body: { url, secret: 'whsec_short' } })).body).toMatchObject({ status: 422, errors: [{ field: 'secret' }] });
    for (const schedule of [[0], [1.5], ['1'], 'none', [604_801], Array.from({ length: 51 }, () => 1), { 0: 1 }]) {
      expect((await running.call('POST', at(tenant), { body: { url, schedule } })).body).toMatchObject({ status: 422, errors: [{ field: 'schedule' }] });
    }
    for (const ratePerSecond of [0, -1, '5', 1e6]) expect((await running.call('POST', at(tenant), { body: { url, ratePerSecond } })).body).toMatchObject({ status: 422, errors: [{ field: 'ratePerSecond' }] });
    expect((await running.call('GET', at(tenant, '?limit=0'))).body).toMatchObject({ status: 422, errors: [{ field: 'limit' }] });
  });

  it('what is no JSON, no body, too long, or of another type', async () => {
    const tenant = newTenant();
    const raw = (text: string, type = 'application/json') => running.call('POST', at(tenant), { raw: text, headers: { 'content-type': type } });
    expect((await raw('{"url":')).body).toMatchObject({ status: 400, code: 'malformed_json' });
    expect((await raw('[]')).body).toMatchObject({ status: 422, errors: [{ field: 'body' }] });
    expect((await raw('{"__proto__":{}}')).body).toMatchObject({ status: 400, code: 'malformed_json' });
    expect((await raw('{"constructor":{}}')).body).toMatchObject({ status: 422, code: 'invalid_request' });
    expect((await raw(`{"url":"${'x'.repeat(300_000)}"}`)).body).toMatchObject({ status: 413, code: 'payload_too_large' });
    expect((await raw('url=x', 'application/x-www-form-urlencoded')).body).toMatchObject({ status: 415 });
    expect((await running.call('GET', '/v1/nothing')).body).toMatchObject({ status: 404 });
    expect((await running.call('PUT', at(tenant), { body: {} })).body).toMatchObject({ status: 405 });
  });

  it('a uid that is taken, and an endpoint above the tenant’s limit', async () => {
    const tenant = newTenant();
    await create(tenant, { uid: 'crm' });
    const { id } = await create(tenant, { uid: 'erp' });
    expect((await running.call('POST', at(tenant), { body: { url, uid: 'crm' } })).body).toMatchObject({ status: 409, code: 'uid_taken' });
    expect((await running.call('PATCH', at(tenant, `/${id}`), { body: { uid: 'crm' } })).body).toMatchObject({ status: 409, code: 'uid_taken' });
    expect((await running.call('PUT', `/v1/tenants/${tenant}`, { body: { maxEndpoints: 2 } })).status).toBe(200);
    expect((await running.call('POST', at(tenant), { body: { url } })).body).toMatchObject({ status: 422, code: 'too_many_endpoints' });
    expect(((await running.call('GET', at(tenant))).body['items'] as unknown[]).length).toBe(2);
  });
});

it('lists page by page in the order of creation, each endpoint once, whole also under many writers', async () => {
  const tenant = newTenant();
  const made = await Promise.all(Array.from({ length: 25 }, (_, n) => create(tenant, { uid: `u${n}` })));
  const seen: { id: string; createdAt: string }[] = [];
  for (let cursor: string | null = ''; cursor !== null; ) {
    const { body }: Answer = await running.call('GET', at(tenant, `?limit=10&cursor=${cursor}`));
    seen.push(...(body['items'] as typeof seen));
    cursor = body['next'] as string | null;
  }
  expect(new Set(seen.map(({ id }) => id))).toEqual(new Set(made.map(({ id }) => id)));
  expect(seen.map(({ createdAt }) => createdAt)).toEqual(seen.map(({ createdAt }) => createdAt).toSorted());
});

it('takes addresses that a deployment allows', async () => {
  const local = await startConsole(running.plane, { SPILLWAY_ALLOW_NETWORKS: '127.0.0.0/8,::1/128' });
  expect((await local.call('POST', at(newTenant()), { body: { url: 'http://127.0.0.1:9999/hook' } })).status).toBe(201);
  expect((await local.call('POST', at(newTenant()), { body: { url: 'http://10.0.0.1/hook' } })).status).toBe(422);
  await local.stop();
});
