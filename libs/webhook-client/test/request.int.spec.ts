import { startReceiver, type Receiver } from '@spillway/testing';
import { checkHeaders, type WebhookClient } from '../src/index.ts';
import { body, newClient, post } from './post.ts';

let receiver: Receiver;
let client: WebhookClient;
beforeEach(async () => {
  receiver = await startReceiver();
  client = newClient({ userAgent: 'Spillway of a test' });
});
afterEach(async () => {
  await client.close();
  await receiver.stop();
});

it('is a POST of exactly these bytes and these headers', async () => {
  const bytes = Buffer.from([0, 13, 10, 255, 34, 0xf0, 0x9f]);
  await post(client, `${receiver.url}/hook?a=b%20c#d`, { body: bytes, headers: { 'webhook-id': 'evt_1', 'X-Customer': 'a b' } });
  const [request] = receiver.requests;
  expect(request).toMatchObject({ method: 'POST', url: '/hook?a=b%20c', body: bytes });
  expect(request!.headers).toEqual({
    host: `127.0.0.1:${receiver.port}`,
    connection: 'keep-alive',
    'content-length': '7',
    'content-type': 'application/json',
    'user-agent': 'Spillway of a test',
    'accept-encoding': 'identity',
    'webhook-id': 'evt_1',
    'x-customer': 'a b',
  });
});

it('sends a part of a larger buffer as that part, an empty body as none, and another content type when told', async () => {
  const larger = new Uint8Array([1, 2, 3, 4, 5]);
  await post(client, receiver.url, { body: new Uint8Array(larger.buffer, 1, 3), headers: { 'content-type': 'application/cloudevents+json' } });
  await post(client, receiver.url, { body: new Uint8Array() });
  expect(receiver.requests.map((request) => [...request.body])).toEqual([[2, 3, 4], []]);
  expect(receiver.requests.map(({ rawHeaders }) => rawHeaders.filter((text) => text.startsWith('application/')))).toEqual([['application/cloudevents+json'], ['application/json']]);
});

it('tells what came back', async () => {
  receiver.handler = () => ({ status: 201, headers: { 'x-id': ['a', 'b'], 'content-type': 'text/plain' }, body: 'é'.repeat(3_000) });
  const { outcome, response, durationMs } = await post(client, receiver.url);
  expect(outcome).toEqual({ kind: 'delivered', status: 201 });
  expect(response).toMatchObject({ status: 201, headers: { 'x-id': 'a, b', 'content-type': 'text/plain' }, body: 'é'.repeat(2_048) });
  expect(durationMs).toBeGreaterThanOrEqual(0);
});

describe('headers cannot inject anything', () => {
  it.each([
    ['a line end in a value', { 'x-a': 'b\r\nhost: evil' }],
    ['a newline in a value', { 'x-a': 'b\nc' }],
    ['a zero in a value', { 'x-a': 'b\0c' }],
    ['a character beyond Latin-1', { 'x-a': 'b\u010d' }],
    ['a line end in a name', { 'x-a\r\nhost': 'evil' }],
    ['a colon in a name', { 'x-a: b': 'c' }],
    ['an empty name', { '': 'c' }],
    ['a host', { Host: 'evil.example.com' }],
    ['a length', { 'Content-Length': '1' }],
    ['chunks', { 'Transfer-Encoding': 'chunked' }],
    ['an upgrade', { upgrade: 'h2c' }],
    ['an expectation', { Expect: '100-continue' }],
    ['a connection', { connection: 'x-secret' }],
  ])('%s is refused where it is stored, and should it have got in, nothing is sent', async (_, headers) => {
    expect(checkHeaders(headers)).toHaveLength(1);
    await expect(post(client, receiver.url, { headers })).rejects.toMatchObject({ code: 'SPILLWAY_FORBIDDEN_HEADER', remediation: expect.any(String) as string });
    expect(receiver.requests).toEqual([]);
    expect(client.counts.inFlight).toBe(0);
  });
});

it.each([0, -1, Number.NaN, Number.POSITIVE_INFINITY, 600_001])('refuses a deadline of %d ms', async (timeoutMs) => {
  await expect(post(client, receiver.url, { timeoutMs })).rejects.toThrow('wanted 1 to 600000');
});

it('remembers what it found out about a bounded number of URLs', async () => {
  const refused = newClient();
  for (let at = 0; at < 10_000; at += 1) await refused.post({ url: `http://10.0.0.1/${at}`, headers: {}, body, timeoutMs: 1_000 });
  expect((refused as unknown as { judged: Map<string, unknown> }).judged.size).toBe(8_192);
  await refused.close();
});
