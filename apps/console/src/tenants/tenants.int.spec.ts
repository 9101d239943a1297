import { startConsoleAndBroker, type RunningConsole } from '../../test/running-console.ts';

let running: RunningConsole;
beforeAll(async () => {
  running = await startConsoleAndBroker();
});
afterAll(() => running.stop());

const url = 'https://example.com/hook';

describe('tenants', () => {
  it('come with their first endpoint or with settings, and are listed by name', async () => {
    await running.call('POST', '/v1/tenants/beta/endpoints', { body: { url } });
    expect((await running.call('PUT', '/v1/tenants/alpha', { body: { maxEndpoints: 5 } })).body).toMatchObject({ tenant: 'alpha', maxEndpoints: 5, endpoints: 0 });
    const { items } = (await running.call('GET', '/v1/tenants')).body as { items: unknown[] };
    expect(items).toMatchObject([
      { tenant: 'alpha', maxEndpoints: 5, endpoints: 0 },
      { tenant: 'beta', endpoints: 1 },
    ]);
    const key = await running.keyWith(['tenants:write'], 'beta');
    expect((await running.call('GET', '/v1/tenants', { key })).body['items']).toMatchObject([{ tenant: 'beta' }]);
  });

  it('keep their endpoints when settings are replaced', async () => {
    await running.call('POST', '/v1/tenants/gamma/endpoints', { body: { url } });
    await running.call('PUT', '/v1/tenants/gamma', { body: { maxEndpoints: 3 } });
    expect((await running.call('PUT', '/v1/tenants/gamma', { body: {} })).body).toMatchObject({ endpoints: 1 });
    expect((await running.call('GET', '/v1/tenants/gamma')).body['maxEndpoints']).toBeUndefined();
    expect((await running.call('PUT', '/v1/tenants/gamma', { body: { retentionDays: 5 } })).body).toMatchObject({ status: 422, code: 'not_yet' });
    const limits = { ratePerSecond: 20, share: 0.25 };
    expect((await running.call('PUT', '/v1/tenants/gamma', { body: limits })).body).toMatchObject(limits);
    expect((await running.call('GET', '/v1/tenants/gamma')).body).toMatchObject(limits);
  });

  it('go with all their endpoints, and say that bodies are not erased yet', async () => {
    for (let n = 0; n < 3; n += 1) await running.call('POST', '/v1/tenants/delta/endpoints', { body: { url } });
    expect((await running.call('DELETE', '/v1/tenants/delta')).body).toEqual({ tenant: 'delta', endpointsDeleted: 3, bodiesErased: false });
    expect((await running.call('GET', '/v1/tenants/delta')).body).toMatchObject({ status: 404, code: 'unknown_tenant' });
    expect((await running.call('DELETE', '/v1/tenants/delta')).status).toBe(404);
    expect((await running.call('GET', '/v1/tenants/delta/endpoints')).body['items']).toEqual([]);
  });
});

describe('event types', () => {
  it('are documented by the operator, read by every tenant, and taken away again', async () => {
    const said = { description: 'An invoice was paid.', example: { amount: 5 }, schema: { type: 'object' } };
    expect((await running.call('PUT', '/v1/event-types/invoice.paid', { body: said })).body).toMatchObject({ type: 'invoice.paid', ...said });
    const changed = await running.call('PUT', '/v1/event-types/invoice.paid', { body: { description: 'Paid.' } });
    expect([changed.body['description'], changed.body['example']]).toEqual(['Paid.', undefined]);
    const key = await running.keyWith(['endpoints:read', 'endpoints:write'], 'acme');
    expect((await running.call('GET', '/v1/event-types', { key })).body['items']).toMatchObject([{ type: 'invoice.paid' }]);
    expect((await running.call('PUT', '/v1/event-types/invoice.paid', { key, body: said })).body).toMatchObject({ status: 403, code: 'wrong_tenant' });
    expect((await running.call('DELETE', '/v1/event-types/invoice.paid')).status).toBe(204);
    expect((await running.call('GET', '/v1/event-types/invoice.paid')).body).toMatchObject({ status: 404, code: 'unknown_event_type' });
    expect((await running.call('PUT', '/v1/event-types/not%20a%20type', { body: said })).body).toMatchObject({ status: 422, errors: [{ field: 'type' }] });
  });
});
