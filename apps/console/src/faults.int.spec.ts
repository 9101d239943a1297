import { eventually } from '@spillway/testing';
import { startConsoleAndBroker } from '../test/running-console.ts';

const url = 'https://example.com/hook';
const path = '/v1/tenants/acme/endpoints';

it('says that the registry is full, keeps what it has, and goes on by itself once the limit was raised', async () => {
  const { call, plane, stop } = await startConsoleAndBroker({ limits: { maxBytes: { KV_webhook_endpoints: 16_384 } } });
  let made = 0;
  const create = () => call('POST', path, { body: { url, description: 'x'.repeat(500) } });
  const refused = await eventually(async () => {
    const answer = await create();
    made += answer.status === 201 ? 1 : 0;
    expect(answer.status).not.toBe(201);
    return answer;
  });
  expect([refused.status, refused.body['code'], refused.headers.has('retry-after')]).toEqual([503, 'registry_full', true]);
  expect((await call('GET', path)).body['items']).toHaveLength(made);
  const { config } = await plane.broker.api<{ config: object }>('STREAM.INFO.KV_webhook_endpoints');
  await plane.broker.api('STREAM.UPDATE.KV_webhook_endpoints', { ...config, max_bytes: 1_000_000 });
  expect((await create()).status).toBe(201);
  await stop();
});

it('answers 503 while the broker is away, is unready, and goes on when it is back', async () => {
  const { call, plane, stop } = await startConsoleAndBroker();
  const { body } = await call('POST', path, { body: { url } });
  await plane.server.kill();
  await eventually(async () => expect((await call('GET', '/readyz')).status).toBe(503));
  expect((await call('GET', '/healthz')).status).toBe(200);
  for (const [method, where, sent] of [['POST', path, { url }], ['GET', path, undefined], ['GET', '/v1/status', undefined], ['POST', '/v1/keys', { scopes: ['status:read'] }]] as const) {
    const answer = await call(method, where, sent === undefined ? {} : { body: sent });
    expect([method, where, answer.status, answer.headers.has('retry-after')]).toEqual([method, where, 503, true]);
  }
  expect((await call('GET', '/', { key: undefined })).body['text']).toContain('not ready');
  await plane.server.restart();
  await eventually(async () => expect((await call('GET', '/readyz')).status).toBe(200));
  expect((await call('GET', `${path}/${String(body['id'])}`)).status).toBe(200);
  await stop();
});

it('is unready, and answers nothing from it, when the registry comes back empty', async () => {
  const { call, plane, stop } = await startConsoleAndBroker();
  await call('POST', path, { body: { url } });
  await plane.broker.api('STREAM.PURGE.KV_webhook_endpoints', {});
  await eventually(async () => expect((await call('GET', '/readyz')).body).toMatchObject({ checks: { endpoints: { ok: false } } }));
  expect((await call('GET', path)).body).toMatchObject({ status: 503, code: 'not_ready' });
  expect((await call('POST', path, { body: { url } })).body).toMatchObject({ status: 503, code: 'not_ready' });
  await stop();
});
