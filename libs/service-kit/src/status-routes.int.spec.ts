import { eventually } from '@spillway/testing';
import { lines, problemFrom, start, stopAll } from '../test/service.ts';
import { Health } from './health.ts';

afterEach(stopAll);

describe('status pages', () => {
  it('says whether it lives and whether it may be sent to', async () => {
    const health = new Health();
    let connected = false;
    health.check('broker', () => ({ ok: connected }));
    const { url } = await start({ health });
    expect((await fetch(`${url}/healthz`)).status).toBe(200);
    expect((await fetch(`${url}/readyz`)).status).toBe(503);
    connected = true;
    const ready = await fetch(`${url}/readyz`);
    expect([ready.status, await ready.json()]).toEqual([200, { ok: true, checks: { broker: { ok: true }, service: { ok: true, detail: 'serving' } } }]);
    expect(lines.filter(({ msg }) => msg === 'ready')).toMatchObject([{ url }]);
  });

  it('counts requests by template and status, never by path', async () => {
    const { url } = await start();
    await fetch(`${url}/things/secret-id`, { method: 'POST' });
    await fetch(`${url}/nowhere/secret-id`);
    const text = await eventually(async () => {
      const page = await (await fetch(`${url}/metrics`)).text();
      expect(page).toContain('http_server_request_duration_seconds_count{http_request_method="GET",http_response_status_code="404",http_route="unmatched"} 1');
      return page;
    });
    expect(text).toContain('http_server_request_duration_seconds_count{http_request_method="POST",http_response_status_code="429",http_route="/things/:id"} 1');
    expect(text).not.toContain('secret-id');
  });

  it('shows its metrics off loopback only to who knows the key; health needs none', async () => {
    const { url } = await start({}, { SPILLWAY_BIND: '0.0.0.0', SPILLWAY_STATUS_KEY: 'a-key-of-some-length' });
    expect((await fetch(`${url}/readyz`)).status).toBe(200);
    expect(await problemFrom(await fetch(`${url}/metrics`))).toMatchObject({ status: 401, code: 'unauthenticated' });
    expect((await fetch(`${url}/metrics`, { headers: { authorization: 'Bearer a-key-of-some-length' } })).status).toBe(200);
  });

  it('warns of a page that nobody can see', async () => {
    const { url } = await start({}, { SPILLWAY_BIND: '0.0.0.0' });
    expect(await problemFrom(await fetch(`${url}/metrics`))).toMatchObject({ status: 403, code: 'status_key_unset' });
    expect(lines).toContainEqual(expect.objectContaining({ level: 'warn', msg: expect.stringContaining('SPILLWAY_STATUS_KEY is not set') }));
  });
});
