import { eventually } from '@spillway/testing';
import { Publisher } from '@spillway/jetstream';
import { subject } from '@spillway/topology';
import { startConsole, startConsoleAndBroker, type RunningConsole } from '../../test/running-console.ts';
import { factsOf } from '../../test/facts-of.ts';

let running: RunningConsole;
beforeAll(async () => {
  running = await startConsoleAndBroker();
});
afterAll(() => running.stop());

const url = 'https://example.com/hook';
let tenants = 0;
/** A tenant with an endpoint. */
const newTenant = async (over: object = {}): Promise<{ tenant: string; endpoint: string }> => {
  const tenant = `switched-${(tenants += 1)}`;
  const { body } = await running.call('POST', `/v1/tenants/${tenant}/endpoints`, { body: { url, ...over } });
  return { tenant, endpoint: String(body['id']) };
};
const turn = (what: 'suspend' | 'resume' | 'throttle', body: object, key?: string) => running.call('POST', `/v1/retries/${what}`, { body, ...(key === undefined ? {} : { key }) });
const show = async (key?: string) => (await running.call('GET', '/v1/retries', key === undefined ? {} : { key })).body as unknown as Record<'suspended' | 'throttled', Record<string, unknown>[]> & Record<string, unknown>;
const switchOf = async (key: string): Promise<unknown> => {
  const { message } = await running.plane.broker.api<{ message: { data?: string } }>('STREAM.MSG.GET.KV_webhook_control', { last_by_subj: `$KV.webhook_control.${key}` });
  return message.data === undefined ? undefined : JSON.parse(Buffer.from(message.data, 'base64').toString());
};

const put = (stream: 'WEBHOOK_RETRY' | 'WEBHOOK_PARKED', to: string) => new Publisher(running.plane.broker, stream).publish(to, [], Buffer.from('{}'));
const inMs = (ms: number): Date => new Date(Math.floor((Date.now() + ms) / 1_000) * 1_000);

it('suspends and resumes a tenant: said in the bucket, in the list and in its ledger, each once', async () => {
  const { tenant } = await newTenant();
  expect((await turn('suspend', { tenant })).body).toMatchObject({ tenant, suspended: { by: 'admin', at: expect.any(String) as string } });
  await turn('suspend', { tenant });
  expect((await show()).suspended).toContainEqual({ tenant, by: 'admin', at: expect.any(String) as string });
  expect(await switchOf(`retries.tenant.${tenant}`)).toMatchObject({ suspended: { by: 'admin' } });
  expect((await turn('resume', { tenant })).body).toEqual({ tenant });
  await turn('resume', { tenant });
  expect((await show()).suspended).toEqual([]);
  expect(await switchOf(`retries.tenant.${tenant}`)).toBeUndefined();
  expect((await factsOf(running.plane, tenant)).slice(1)).toMatchObject([
    { type: 'retries.suspended', v: 1, tenant, of: 'tenant', by: 'admin' },
    { type: 'retries.resumed', tenant, of: 'tenant', by: 'admin' },
  ]);
});

it('suspends all, beside an endpoint by its uid and a throttle, and a console that starts later knows it', async () => {
  const { tenant, endpoint } = await newTenant({ uid: 'crm' });
  await turn('suspend', {});
  await turn('suspend', { tenant, endpoint: 'crm' });
  expect((await turn('throttle', { endpoint, perSecond: 2.5 })).body).toMatchObject({ tenant, endpoint, throttled: { perSecond: 2.5 }, suspended: { by: 'admin' } });
  const other = await startConsole(running.plane);
  expect((await other.call('GET', '/v1/retries')).body).toMatchObject({
    suspended: [{ by: 'admin' }, { tenant, endpoint }],
    throttled: [{ tenant, endpoint, perSecond: 2.5 }],
  });
  await other.stop();
  await turn('resume', {});
  await turn('resume', { endpoint });
  expect((await turn('throttle', { endpoint, perSecond: null })).body).toEqual({ tenant, endpoint });
  expect(await show()).toMatchObject({ suspended: [], throttled: [] });
  expect(await factsOf(running.plane, '_system')).toMatchObject([
    { type: 'retries.suspended', tenant: '_system', of: 'all' },
    { type: 'retries.resumed', of: 'all' },
  ]);
  expect((await factsOf(running.plane, tenant)).slice(1)).toMatchObject([
    { type: 'retries.suspended', of: 'endpoint', endpoint },
    { type: 'retries.throttled', of: 'endpoint', endpoint, perSecond: 2.5 },
    { type: 'retries.resumed', of: 'endpoint', endpoint },
    { type: 'retries.throttled', of: 'endpoint', endpoint, perSecond: null },
  ]);
});

it('lets a tenant’s own key turn its own switches only, and see no more than concerns it', async () => {
  const mine = await newTenant();
  const other = await newTenant();
  const key = await running.keyWith(['retries:control'], mine.tenant);
  expect((await turn('suspend', { tenant: mine.tenant }, key)).status).toBe(200);
  expect((await turn('throttle', { endpoint: mine.endpoint, perSecond: 1 }, key)).status).toBe(200);
  expect((await turn('suspend', {}, key)).body).toMatchObject({ status: 403, code: 'wrong_tenant' });
  expect((await turn('suspend', { tenant: other.tenant }, key)).body).toMatchObject({ status: 403, code: 'wrong_tenant' });
  expect((await turn('suspend', { endpoint: other.endpoint }, key)).body).toMatchObject({ status: 404, code: 'unknown_endpoint' });
  expect((await turn('suspend', { tenant: mine.tenant, endpoint: other.endpoint }, key)).body).toMatchObject({ status: 404, code: 'unknown_endpoint' });
  expect((await turn('suspend', {}, await running.keyWith(['events:write']))).body).toMatchObject({ status: 403, code: 'missing_scope' });
  await turn('suspend', { tenant: other.tenant });
  const seen = await show(key);
  expect([seen.suspended.map(({ tenant }) => tenant), seen['waiting'], seen['calendar']]).toEqual([[mine.tenant], null, null]);
  for (const tenant of [mine.tenant, other.tenant]) await turn('resume', { tenant });
  await turn('throttle', { endpoint: mine.endpoint, perSecond: null });
});

it('refuses what names nobody, and a rate that is none', async () => {
  const { tenant, endpoint } = await newTenant();
  expect((await turn('suspend', { tenant: 'nobody-knows' })).body).toMatchObject({ status: 404, code: 'unknown_tenant' });
  expect((await turn('suspend', { tenant: 'a.b' })).body).toMatchObject({ status: 422, errors: [{ field: 'tenant' }] });
  expect((await turn('suspend', { endpoint: 'ep_unknown_unknown' })).body).toMatchObject({ status: 404, code: 'unknown_endpoint' });
  expect((await turn('suspend', { tenants: [tenant] })).body).toMatchObject({ status: 422, errors: [{ field: 'tenants', wanted: 'no such field' }] });
  for (const perSecond of [0, -1, 'fast', undefined, 1e9]) expect((await turn('throttle', { endpoint, perSecond })).body).toMatchObject({ status: 422, errors: [{ field: 'perSecond' }] });
});

it('turns off the switch of an endpoint that was deleted meanwhile', async () => {
  const { tenant, endpoint } = await newTenant();
  await turn('suspend', { endpoint });
  await running.call('DELETE', `/v1/tenants/${tenant}/endpoints/${endpoint}`);
  await eventually(async () => expect((await turn('resume', { endpoint })).body).toEqual({ tenant, endpoint }));
  expect((await show()).suspended).toEqual([]);
});

it('shows the calendar, what is overdue, and what is parked for a later attempt', async () => {
  const { endpoint } = await newTenant();
  const [past, soon] = [inMs(-600_000), inMs(600_000)];
  for (const [shard, at] of [[1, past], [5, past], [2, soon]] as const) await put('WEBHOOK_RETRY', subject.retryAt(shard, at));
  await put('WEBHOOK_PARKED', subject.parked('later', 3, endpoint));
  await put('WEBHOOK_PARKED', subject.parked('first', 3, endpoint));
  await eventually(async () =>
    expect(await show()).toMatchObject({ waiting: 3, overdue: 2, parked: 1, calendar: [{ at: past.toISOString(), count: 2 }, { at: soon.toISOString(), count: 1 }] }),
  );
});
