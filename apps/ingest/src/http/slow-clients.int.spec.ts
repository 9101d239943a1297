import { eventually, RawClient } from '@spillway/testing';
import { headOf, startIngest, startRig, type Rig } from '../../test/rig.ts';

const EVENT = '{"tenant":"acme","type":"a","data":1}';
const GOOD = headOf(`content-length: ${EVENT.length}`) + EVENT;
/** So long that a busy machine sees in time what happens meanwhile. */
const TIMEOUT_MS = 3_000;
const KEEP_ALIVE_MS = 4_000;
/** On a machine that is busy a look at the clocks comes late. */
const AT_LATEST_MS = 10 * TIMEOUT_MS;

let rig: Rig;
const clients: RawClient[] = [];
beforeAll(async () => {
  rig = await startRig({ env: { SPILLWAY_REQUEST_TIMEOUT_MS: String(TIMEOUT_MS), SPILLWAY_KEEP_ALIVE_MS: String(KEEP_ALIVE_MS), SPILLWAY_ACCEPT_DEADLINE_MS: '20000' } });
});
afterEach(() => {
  for (const { socket } of clients.splice(0)) socket.destroy();
});
afterAll(() => rig.stop());

const client = (url = rig.url): RawClient => {
  const made = new RawClient(url);
  clients.push(made);
  return made;
};

const metric = async (name: string): Promise<number> => Number(new RegExp(`^${name}(?:{[^}]*})? (\\S+)$`, 'm').exec(await (await fetch(`${rig.url}/metrics`)).text())?.[1]);

describe('a slow sender', () => {
  it('of a head is ended by a clock that no byte sets back', async () => {
    const slow = client().drip(`GET /healthz HTTP/1.1\r\nx: ${'y'.repeat(10_000)}`, 50);
    expect(await slow.closed()).toMatch(/^HTTP\/1\.1 408 Request Timeout\r\n[^]*problem\+json[^]*"code":"request_timeout"/);
    expect(slow.closedAfterMs).toBeLessThan(AT_LATEST_MS);
  });

  it('that says nothing at all is ended likewise', async () => {
    expect(await client().closed()).toMatch(/^HTTP\/1\.1 408 /);
  });

  it('of a body is ended likewise; its place is free again, and nothing is stored', async () => {
    const before = await rig.count();
    const slow = client().say(headOf('content-length: 5000')).drip(EVENT.padEnd(5_000), 50);
    await eventually(async () => expect(await metric('spillway_ingest_requests_in_flight')).toBe(1));
    expect(await slow.closed()).toMatch(/^HTTP\/1\.1 408 [^]*"code":"request_timeout"/);
    expect(slow.closedAfterMs).toBeLessThan(AT_LATEST_MS);
    await eventually(async () => expect(await metric('spillway_ingest_requests_in_flight')).toBe(0));
    expect(await rig.count()).toBe(before);
  });

  it('of a body in chunks that never end is ended likewise', async () => {
    const slow = client().say(headOf('transfer-encoding: chunked')).drip('1\r\n \r\n'.repeat(1_000), 20);
    expect(await slow.closed()).toMatch(/^HTTP\/1\.1 408 /);
  });

  it('of what was refused already hears its refusal, and nothing else', async () => {
    const slow = client().say(headOf('content-encoding: br', 'content-length: 5000')).drip('x'.repeat(5_000), 50);
    await slow.closed();
    expect(slow.statuses[0]).toBe(415);
    expect(slow.closedAfterMs).toBeLessThan(AT_LATEST_MS);
  });
});

describe('a connection', () => {
  it('serves an honest client as long as it speaks, and is closed without a word when it is idle', async () => {
    const honest = client();
    let saidLastAt = 0;
    for (let n = 1; n <= 100; n += 1) {
      saidLastAt = performance.now();
      honest.say(GOOD);
      await eventually(() => expect(honest.statuses).toHaveLength(n));
    }
    await honest.closed();
    expect(performance.now() - saidLastAt).toBeGreaterThan(0.9 * KEEP_ALIVE_MS);
    expect(new Set(honest.statuses)).toEqual(new Set([202]));
    expect(honest.statuses).toHaveLength(100);
  });

  it('answers as many requests as are sent at once, in their order, each with an id of its own, and what is no request last', async () => {
    const before = await rig.count();
    const eager = client().say(GOOD.repeat(500) + 'nonsense\r\n\r\n');
    await eager.closed();
    expect(eager.statuses).toEqual([...Array.from({ length: 500 }, () => 202), 400]);
    expect(new Set(eager.heard.match(/evt_[\w-]+/g)).size).toBe(500);
    expect(await rig.count()).toBe(before + 500);
  });

  it('of a client that never reads is closed, instead of being kept for ever', async () => {
    const short = await startIngest(rig.plane, { SPILLWAY_REQUEST_TIMEOUT_MS: '1000', SPILLWAY_ACCEPT_DEADLINE_MS: '1000' });
    const deaf = client(short.url);
    deaf.socket.pause();
    const ask = 'GET /v1/nowhere HTTP/1.1\r\nhost: x\r\n\r\n'.repeat(1_000);
    const asking = setInterval(() => deaf.socket.writableLength < 1_000_000 && deaf.say(ask), 5);
    try {
      await eventually(() => expect(deaf.socket.destroyed).toBe(true));
    } finally {
      clearInterval(asking);
      await short.stop();
    }
  });
});

const fields = (count: number): string[] => Array.from({ length: count }, (_, n) => `x-${n}: 1`);

describe('a head', () => {
  it.each(['/v1/events', '/v1/%65vents', '/healthz'])('of more headers than anybody needs is refused at %s', async (path) => {
    const ask = (more: number): string => `${headOf('connection: close', `content-length: ${EVENT.length}`, ...fields(more)).replace('/v1/events', path)}${EVENT}`;
    expect(await client().say(ask(95)).closed()).not.toContain('headers_too_large'); // 100 with the five of its own
    expect(await client().say(ask(96)).closed()).toMatch(/^HTTP\/1\.1 431 [^]*"code":"headers_too_large"/);
    expect(await client().say(ask(900)).closed()).toMatch(/^HTTP\/1\.1 431 [^]*"code":"headers_too_large"/);
  });

  it.each(['/v1/events', '/v1/%65vents', '/healthz'])('without Host is refused in words at %s, unless it is of HTTP/1.0', async (path) => {
    const ask = `${headOf('connection: close', `content-length: ${EVENT.length}`).replace('/v1/events', path).replace('host: x\r\n', '')}${EVENT}`;
    expect(await client().say(ask).closed()).toMatch(/^HTTP\/1\.1 400 [^]*"code":"malformed_request"[^]*Host/);
    expect(await client().say(ask.replace('HTTP/1.1', 'HTTP/1.0')).closed()).not.toContain('malformed_request');
  });

  it.each(['identity', 'xchunked', 'chunked, gzip'])('that announces a body in %s hears why not', async (coding) => {
    expect(await client().say(`${headOf(`transfer-encoding: ${coding}`)}${EVENT}`).closed()).toMatch(/^HTTP\/1\.1 400 [^]*"code":"malformed_request"/);
    expect(await client().say(`${headOf(`transfer-encoding: ${coding}`, 'content-encoding: br')}${EVENT}`).closed()).toMatch(/^HTTP\/1\.1 4(?:00|15) [^]*problem\+json/);
  });

  it('of more than 16 KiB is refused', async () => {
    expect(await client().say(headOf(`x: ${'y'.repeat(17_000)}`)).closed()).toMatch(/^HTTP\/1\.1 431 [^]*"code":"headers_too_large"/);
  });
});

it('answers who asks for its health when all connections are taken, and nobody else', async () => {
  const small = await startIngest(rig.plane, { SPILLWAY_MAX_CONNECTIONS: '16' });
  try {
    const idle = Array.from({ length: 16 }, () => client(small.url));
    const ask = (path: string): Promise<string> => client(small.url).say(`GET ${path} HTTP/1.1\r\nhost: x\r\n\r\n`).closed();
    await eventually(async () => expect(await ask('/metrics')).toMatch(/^HTTP\/1\.1 503 [^]*"code":"too_many_connections"/));
    for (const path of ['/healthz', '/readyz']) await eventually(async () => expect(await ask(path)).toMatch(/^HTTP\/1\.1 200 [^]*connection: close/i));
    const answer = await client(small.url).say(GOOD).closed();
    expect(answer).toMatch(/^HTTP\/1\.1 503 [^]*connection: close\r\n[^]*"code":"too_many_connections"/);
    expect(idle.map(({ heard }) => heard).join('')).toBe('');
  } finally {
    await small.stop();
  }
});

it('takes as many connections as it may, tells the next one so, and takes it when one has left', async () => {
  const small = await startIngest(rig.plane, { SPILLWAY_MAX_CONNECTIONS: '3' });
  try {
    const three = [1, 2, 3].map(() => client(small.url).say(GOOD));
    await eventually(() => expect(three.map(({ statuses }) => statuses)).toEqual([[202], [202], [202]]));
    const answer = await client(small.url).say(GOOD).closed();
    expect(answer).toMatch(/^HTTP\/1\.1 503 [^]*retry-after: 5\r\n[^]*"code":"too_many_connections"/);
    expect(answer).not.toContain('evt_');
    three[0]?.say(GOOD);
    await eventually(() => expect(three[0]?.statuses).toEqual([202, 202]));
    three[1]?.socket.destroy();
    await eventually(async () => {
      const next = client(small.url).say(GOOD);
      await eventually(() => expect(next.statuses).not.toEqual([]));
      expect(next.statuses).toEqual([202]);
    });
  } finally {
    await small.stop();
  }
});
