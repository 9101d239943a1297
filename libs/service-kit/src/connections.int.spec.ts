import { eventually, RawClient } from '@spillway/testing';
import { slowRoute, start, stopAll } from '../test/service.ts';

afterEach(stopAll);

const asking = (what: string): string => `${what} HTTP/1.1\r\nhost: x\r\n\r\n`;
const REFUSED = /^HTTP\/1\.1 503 [^]*connection: close\r\n[^]*"code":"too_many_connections"/;
const MAX = 32;

/** As many connections as may be, none of which says a word; each is one that the server knows. */
const fill = async (url: string, count: number): Promise<RawClient[]> => {
  const open = Array.from({ length: count }, () => new RawClient(url));
  // connections are taken in their order: the last one was refused, so all before it are known
  await eventually(async () => expect(await new RawClient(url).say(asking('GET /nowhere')).closed()).toMatch(REFUSED));
  return open;
};

describe('a connection', () => {
  it('too many is told so; the others are counted', async () => {
    const { url } = await start({ fastify: { maxConnections: 2 } });
    const open = await fill(url, 2);
    open[0]?.socket.destroy();
    const page = await eventually(async () => {
      const answer = await fetch(`${url}/metrics`, { headers: { connection: 'close' } });
      expect(answer.status).toBe(200);
      return answer.text();
    });
    expect(page).toMatch(/^http_server_open_connections(?:{.*})? 2$/m);
    expect(page).toMatch(/^http_server_open_connections_max(?:{.*})? 2$/m);
    expect(page).toMatch(/^spillway_http_connections_refused_total(?:{.*})? \d+$/m);
    open[1]?.socket.destroy();
  });

  it('too many may still ask whether the process is well, once, and nothing else', async () => {
    const { url } = await start({ fastify: { maxConnections: MAX } });
    const open = await fill(url, MAX);
    for (const path of ['/healthz', '/readyz']) {
      expect(await new RawClient(url).say(asking(`GET ${path}`)).closed()).toMatch(/^HTTP\/1\.1 200 [^]*connection: close\r\n[^]*"ok":true/i);
      expect(await new RawClient(url).say(asking(`HEAD ${path}`)).closed()).toMatch(/^HTTP\/1\.1 200 /);
      expect(await new RawClient(url).say(asking(`POST ${path}`)).closed()).toMatch(REFUSED);
      expect((await fetch(url + path)).status).toBe(200);
    }
    const body = 'x'.repeat(100_000);
    for (const other of [asking('GET /metrics'), asking('GET /injected'), `POST /things/1 HTTP/1.1\r\nhost: x\r\nexpect: 100-continue\r\ncontent-length: ${body.length}\r\n\r\n${body}`, 'nonsense\r\n\r\n']) {
      expect(await new RawClient(url).say(other).closed()).toMatch(REFUSED);
    }
    for (const { socket } of open) socket.destroy();
    await eventually(async () => expect(await (await fetch(`${url}/metrics`)).text()).toMatch(/^http_server_open_connections(?:{.*})? 1$/m));
  });

  it('that says nothing does not keep others from asking', async () => {
    const { url } = await start({ fastify: { maxConnections: MAX } });
    const open = await fill(url, MAX);
    const silent = Array.from({ length: MAX }, () => new RawClient(url));
    // four of them, an eighth of the limit, are waited for: the oldest makes room for who comes next
    for (let n = 0; n < 5; n += 1) expect(await new RawClient(url).say(asking('GET /healthz')).closed()).toMatch(/^HTTP\/1\.1 200 /);
    expect(await silent[0]?.closed()).toMatch(REFUSED);
    for (const { heard } of open) expect(heard).toBe('');
    for (const { socket } of [...open, ...silent]) socket.destroy();
  });

  it('whose sender drips is freed', async () => {
    const { url } = await start({ fastify: { requestTimeout: 200, http: { headersTimeout: 200, connectionsCheckingInterval: 50 } } });
    const client = new RawClient(url).say('POST /things/1 HTTP/1.1\r\n').drip('x'.repeat(10_000), 20);
    expect(await client.closed()).toMatch(/^HTTP\/1\.1 408 [^]*request_timeout/);
  });

  it('hears of a fault behind a request only when that has its answer', async () => {
    const { prepare, reached, letGo } = slowRoute();
    const { url } = await start({ prepare });
    const client = new RawClient(url).say(`${asking('GET /slow')}nonsense\r\n\r\n`);
    await reached;
    client.say('and more nonsense\r\n\r\n');
    await fetch(`${url}/healthz`); // what would have been said too early is said by now
    expect(client.heard).toBe('');
    letGo();
    expect(await client.closed()).toMatch(/^HTTP\/1\.1 200 [^]*\{"done":true\}HTTP\/1\.1 400 [^]*malformed_request/);
  });
});
