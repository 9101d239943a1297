import { DEDUPE_INDEX_KEY, type DedupeIndexStatus } from '@spillway/contracts';
import { WatchedBucket } from '@spillway/jetstream';
import { testLog } from '@spillway/jetstream/testing';
import { eventually } from '@spillway/testing';
import { factsOf } from '../../test/facts-of.ts';
import { startConsole, startConsoleAndBroker, type RunningConsole } from '../../test/running-console.ts';

let running: RunningConsole;
let control: WatchedBucket;
beforeAll(async () => {
  running = await startConsoleAndBroker();
  control = await WatchedBucket.open(running.plane.broker, 'webhook_control', { log: testLog });
  await control.whenReady();
});
afterAll(async () => {
  control.close();
  await running.stop();
});

const path = '/v1/dedupe/rules';
const rule = { tenant: 'acme', type: 'invoice.*', ignore: ['data.sentAt'], windowSeconds: 60 };
const post = (body: object, key?: string) => running.call('POST', path, key === undefined ? { body } : { body, key });
/** As dedupe says of itself. */
const dedupeSays = async (said: Partial<DedupeIndexStatus>): Promise<void> => {
  await control.put(DEDUPE_INDEX_KEY, JSON.stringify({ index: 'redis', state: 'ok', windowSeconds: 86_400, contentRules: true, at: '', ...said }));
};

it('makes a rule, shows it, changes it in place, removes it, and tells the ledger', async () => {
  const made = await post(rule);
  expect([made.status, made.body]).toEqual([201, { ...rule, id: expect.stringMatching(/^ddr_[\w-]{22}$/) as unknown, inForce: null, createdAt: expect.any(String) as unknown, updatedAt: expect.any(String) as unknown }]);
  const id = made.body['id'] as string;
  expect((await running.call('GET', path)).body['items']).toEqual([made.body]);
  const changed = await post({ ...rule, ignore: [], windowSeconds: 120 });
  expect([changed.status, changed.body]).toMatchObject([200, { id, ignore: [], windowSeconds: 120, createdAt: made.body['createdAt'] }]);
  expect((await running.call('GET', `${path}/${id}`)).body).toEqual(changed.body);
  expect((await running.call('DELETE', `${path}/${id}`)).status).toBe(204);
  for (const method of ['GET', 'DELETE']) expect((await running.call(method, `${path}/${id}`)).body).toMatchObject({ status: 404, code: 'unknown_dedupe_rule' });
  expect((await running.call('GET', path)).body['items']).toEqual([]);
  const said = { rule: id, eventType: 'invoice.*', by: 'admin' };
  expect(await factsOf(running.plane, 'acme')).toMatchObject([
    { type: 'dedupe.rule_set', ...said, windowSeconds: 60 },
    { type: 'dedupe.rule_set', ...said, windowSeconds: 120 },
    { type: 'dedupe.rule_removed', ...said },
  ]);
});

it('shows another console’s rules within two seconds', async () => {
  const other = await startConsole(running.plane);
  const { body } = await post({ ...rule, tenant: 'watched' });
  await eventually(async () => expect((await other.call('GET', `${path}/${String(body['id'])}`)).status).toBe(200), 2_000);
  await other.stop();
});

it('says whether dedupe can go by it, and refuses where it never could', async () => {
  const { body } = await post({ ...rule, tenant: 'forced' });
  const inForce = async () => (await running.call('GET', `${path}/${String(body['id'])}`)).body['inForce'];
  await dedupeSays({});
  await eventually(async () => expect(await inForce()).toBe(true));
  await dedupeSays({ state: 'degraded', why: 'away' });
  await eventually(async () => expect(await inForce()).toBe(false));
  expect((await post({ ...rule, tenant: 'forced', type: 'a' })).status).toBe(201);
  await dedupeSays({ index: 'jetstream', contentRules: false, windowSeconds: 120 });
  await eventually(async () => expect((await post({ ...rule, tenant: 'forced', type: 'b' })).body).toMatchObject({ status: 409, code: 'dedupe_without_redis', remediation: expect.stringContaining('SPILLWAY_DEDUPE_REDIS_URL') as unknown }));
  expect((await running.call('DELETE', `${path}/${String(body['id'])}`)).status).toBe(204);
  await dedupeSays({});
});

it.each([
  ['tenant', { ...rule, tenant: 'a b' }],
  ['tenant', { type: 'a', windowSeconds: 1 }],
  ['type', { ...rule, type: 'a..b' }],
  ['type', { ...rule, type: 5 }],
  ['ignore', { ...rule, ignore: ['sentAt'] }],
  ['ignore', { ...rule, ignore: ['data'] }],
  ['ignore', { ...rule, ignore: [`data.${'x'.repeat(300)}`] }],
  ['ignore', { ...rule, ignore: ['data.a', 'data.a'] }],
  ['ignore', { ...rule, ignore: 'data.a' }],
  ['ignore', { ...rule, ignore: [5] }],
  ['ignore', { ...rule, ignore: Array.from({ length: 21 }, (_, i) => `data.a${i}`) }],
  ['windowSeconds', { ...rule, windowSeconds: 0 }],
  ['windowSeconds', { ...rule, windowSeconds: 1.5 }],
  ['windowSeconds', { ...rule, windowSeconds: 2_592_001 }],
  ['windowSeconds', { tenant: 'acme', type: 'a' }],
  ['window', { ...rule, window: 60 }],
])('refuses a wrong %s: %#', async (field, body) => {
  const { status, body: problem } = await post(body);
  expect([status, problem['code'], (problem['errors'] as { field: string }[]).map((error) => error.field)]).toEqual([422, 'invalid_request', [field]]);
});

it('takes wildcards, arrays and escaped dots', async () => {
  expect((await post({ ...rule, tenant: 'odd', type: '**', ignore: ['data.items.*.at', 'data.0', String.raw`data.a\.b`] })).status).toBe(201);
});

it('asks for the scope, and shows and lets change a tenant its own', async () => {
  const { body: foreign } = await post({ ...rule, tenant: 'other' });
  const key = await running.keyWith(['dedupe:write'], 'mine');
  expect((await post({ ...rule, tenant: 'mine' }, key)).status).toBe(201);
  expect((await post({ ...rule, tenant: 'other' }, key)).body).toMatchObject({ status: 403, code: 'wrong_tenant' });
  expect((await post({ ...rule, tenant: '_system' }, key)).body).toMatchObject({ status: 403, code: 'wrong_tenant' });
  expect((await running.call('GET', path, { key })).body['items']).toMatchObject([{ tenant: 'mine' }]);
  for (const method of ['GET', 'DELETE']) expect((await running.call(method, `${path}/${String(foreign['id'])}`, { key })).status).toBe(404);
  const reader = await running.keyWith(['status:read']);
  expect((await running.call('GET', path, { key: reader })).status).toBe(200);
  expect((await post(rule, reader)).body).toMatchObject({ status: 403, code: 'missing_scope' });
  expect((await running.call('GET', path, { key: undefined })).status).toBe(401);
});

it('bounds the rules of a tenant', async () => {
  for (let n = 0; n < 200; n += 1) await post({ tenant: 'many', type: `t${n}`, windowSeconds: 1 });
  expect((await post({ tenant: 'many', type: 'one.more', windowSeconds: 1 })).body).toMatchObject({ status: 422, code: 'too_many_dedupe_rules' });
  expect((await post({ tenant: 'many', type: 't7', windowSeconds: 2 })).status).toBe(200);
});
