import { gzipSync } from 'node:zlib';
import type { Socket } from 'node:net';
import type { WebhookClient } from '../src/index.ts';
import { recordDials } from './dials.ts';
import { newClient, post } from './post.ts';
import { drip, flood, startRawReceiver, type RawHandler, type RawReceiver } from './raw-receiver.ts';
import { startSynBlackHole } from './syn-black-hole.ts';

/** Long enough that a slow machine gets as far as it should until then. */
const HANGS_MS = 1_000;
/** Ten times the time after which it should have ended: the machine may be slow, the end must come. */
const soonMs = (wantedMs: number): number => wantedMs * 10;

let client: WebhookClient;
let receivers: RawReceiver[];
beforeEach(() => {
  client = newClient();
  receivers = [];
});
afterEach(async () => {
  await client.close();
  await Promise.all(receivers.map((receiver) => receiver.stop()));
});

const start = async (handler: RawHandler, scheme?: 'http' | 'https'): Promise<RawReceiver> => {
  const receiver = await startRawReceiver(handler, scheme);
  receivers.push(receiver);
  return receiver;
};

/** It ended, and nothing of it is left: no attempt, no connection. */
const expectFreed = (): void => expect(client.counts).toEqual({ inFlight: 0, origins: 0, open: 0, idle: 0, waiting: 0 });

const answering = (text: string, then?: (socket: Socket) => void): RawHandler => async (socket, asked) => {
  await asked;
  socket.write(text);
  then?.(socket);
};

const reset = (socket: Socket): unknown => socket.resetAndDestroy();

describe('receivers that hang', () => {
  it.each<[string, RawHandler, string]>([
    ['accepts and never answers', () => {}, 'waiting for the answer'],
    ['sends its headers one byte at a time', answering('HTTP/1.1 200 OK\r\nx-slow: ', (socket) => drip(socket, 20)), 'waiting for the answer'],
    ['sends its status line one byte at a time', async (socket, asked) => {
      await asked;
      const line = 'HTTP/1.1 200 ';
      let at = 0;
      const timer = setInterval(() => socket.write(line[at++] ?? 'o'), 50); // a reason without end
      socket.once('close', () => clearInterval(timer));
    }, 'waiting for the answer'],
    ['sends 103 after 103, slowly', answering('', (socket) => {
      const timer = setInterval(() => socket.write('HTTP/1.1 103 Early Hints\r\n\r\n'), 100);
      socket.once('close', () => clearInterval(timer));
    }), 'waiting for the answer'],
  ])('one that %s ends by the deadline', async (_, handler, doing) => {
    const receiver = await start(handler);
    const { outcome, durationMs, response } = await post(client, receiver.url, { timeoutMs: HANGS_MS });
    expect(outcome).toEqual({ kind: 'failed', reason: 'timeout', detail: `${HANGS_MS} ms were over while ${doing}` });
    expect(durationMs).toBeGreaterThanOrEqual(HANGS_MS);
    expect(durationMs).toBeLessThan(soonMs(HANGS_MS));
    expect(response).toBeUndefined();
    expectFreed();
  });

  it('a SYN black hole ends by the deadline', async () => {
    const hole = await startSynBlackHole();
    try {
      const { outcome } = await post(client, hole.url, { timeoutMs: HANGS_MS });
      expect(outcome).toEqual({ kind: 'failed', reason: 'timeout', detail: `${HANGS_MS} ms were over while connecting` });
      expectFreed();
    } finally {
      await hole.stop();
    }
  });

  it('a TLS handshake that stalls ends by the deadline', async () => {
    const receiver = await start(() => {}, 'https');
    const { outcome } = await post(client, receiver.url, { timeoutMs: HANGS_MS });
    expect(outcome).toEqual({ kind: 'failed', reason: 'timeout', detail: `${HANGS_MS} ms were over while in the TLS handshake` });
    expectFreed();
  });

  it('name servers that never answer end by the deadline, and what they say later is not dialled', async () => {
    const dials = recordDials();
    const answer = Promise.withResolvers<string[]>();
    const deaf = newClient({ lookup: () => answer.promise });
    const { outcome } = await post(deaf, 'https://hooks.example.com/', { timeoutMs: HANGS_MS });
    expect(outcome).toEqual({ kind: 'failed', reason: 'timeout', detail: `${HANGS_MS} ms were over while resolving the name` });
    answer.resolve(['127.0.0.1']);
    await deaf.close();
    await new Promise(setImmediate);
    dials.stop();
    expect(dials.sockets).toEqual([]);
  });

  it('one that does not take the request ends by the deadline', async () => {
    const receiver = await start((socket) => void socket.pause());
    const { outcome } = await post(client, receiver.url, { timeoutMs: HANGS_MS, body: Buffer.alloc(16 * 2 ** 20) });
    expect(outcome).toMatchObject({ kind: 'failed', reason: 'timeout' });
    expectFreed();
  });
});

describe('receivers without end', () => {
  it('200 and then a byte now and then for ever is delivered at the status line', async () => {
    const receiver = await start(answering('HTTP/1.1 200 OK\r\ncontent-length: 1000000\r\n\r\n', (socket) => drip(socket, 50)));
    const { outcome, durationMs, response } = await post(client, receiver.url);
    expect(outcome).toEqual({ kind: 'delivered', status: 200, flagged: 'body_cut' });
    // the patience for a body, not the deadline
    expect(durationMs).toBeLessThan(soonMs(1_000));
    expect(response?.body).toMatch(/^x+$/);
    expectFreed();
  });

  it('200 and then a byte now and then ends by the deadline, when that comes first', async () => {
    const answered = Promise.withResolvers<void>();
    const receiver = await start(answering('HTTP/1.1 200 OK\r\n\r\n', (socket) => {
      answered.resolve();
      drip(socket, 50);
    }));
    const ends: string[] = [];
    const ending = async (as: string, timeoutMs: number) => {
      const { outcome } = await post(client, receiver.url, { timeoutMs });
      ends.push(as);
      return outcome;
    };
    const patient = ending('by the patience for a body', 60_000);
    // its status is not even read yet, and its second begins when it is: so the other's 900 ms are over before
    await answered.promise;
    const outcomes = await Promise.all([patient, ending('by the deadline', 900)]);
    expect(outcomes).toEqual([1, 2].map(() => ({ kind: 'delivered', status: 200, flagged: 'body_cut' })));
    expect(ends).toEqual(['by the deadline', 'by the patience for a body']);
    expectFreed();
  });

  it('500 and then a byte now and then is a failure by its status', async () => {
    const receiver = await start(answering('HTTP/1.1 500 Oh\r\n\r\n', (socket) => drip(socket, 50)));
    const { outcome } = await post(client, receiver.url);
    expect(outcome).toEqual({ kind: 'failed', reason: 'status', status: 500, detail: 'body_cut' });
    expectFreed();
  });

  it('of a body of 1 GiB, chunked and without end, no more than 64 KiB and a chunk are read, and 4 KiB kept', async () => {
    const dials = recordDials();
    const chunk = `${(65_536).toString(16)}\r\n${'z'.repeat(65_536)}\r\n`;
    const receiver = await start(answering('HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n', (socket) => flood(socket, chunk)));
    const { outcome, response } = await post(client, receiver.url);
    dials.stop();
    expect(outcome).toEqual({ kind: 'delivered', status: 200, flagged: 'body_cut' });
    expect(response?.body).toBe('z'.repeat(4_096));
    // what was read beyond is in the one read of 64 KiB that brought it
    expect(dials.sockets[0]!.bytesRead).toBeLessThanOrEqual(3 * 65_536);
    expectFreed();
  });

  it('headers without end are cut, long before the deadline', async () => {
    const dials = recordDials();
    const receiver = await start(answering('HTTP/1.1 200 OK\r\n', (socket) => flood(socket, `x-more: ${'y'.repeat(1_000)}\r\n`)));
    const { outcome } = await post(client, receiver.url);
    dials.stop();
    expect(outcome).toEqual({ kind: 'failed', reason: 'protocol_error', detail: 'the head of the answer is too large' });
    expect(dials.sockets[0]!.bytesRead).toBeLessThan(2 ** 20);
    expectFreed();
  });

  it.each(['102 Processing', '103 Early Hints'])('a flood of %s is cut, long before the deadline', async (status) => {
    const dials = recordDials();
    const receiver = await start(answering('', (socket) => flood(socket, `HTTP/1.1 ${status}\r\nlink: </a>\r\n\r\n`)));
    const { outcome } = await post(client, receiver.url);
    dials.stop();
    expect(outcome).toEqual({ kind: 'failed', reason: 'protocol_error', detail: 'more than 16 interim answers' });
    expect(dials.sockets[0]!.bytesRead).toBeLessThan(2 ** 20);
    expectFreed();
  });

  it('a few interim answers before the real one do no harm', async () => {
    const receiver = await start(answering(`${'HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n'.repeat(3)}HTTP/1.1 204 No Content\r\n\r\n`));
    expect((await post(client, receiver.url)).outcome).toEqual({ kind: 'delivered', status: 204 });
  });

  it('a gzip bomb is not inflated', async () => {
    const bomb = gzipSync(Buffer.alloc(50 * 2 ** 20));
    const receiver = await start(answering(`HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: ${bomb.length}\r\n\r\n`, (socket) => socket.write(bomb)));
    const { outcome, response } = await post(client, receiver.url);
    expect(receiver.requests[0]).toMatch(/^accept-encoding: identity\r$/m);
    expect(outcome).toMatchObject({ kind: 'delivered', status: 200 });
    expect(response?.body.length).toBeLessThanOrEqual(4_096);
    expect(response?.body.charCodeAt(0)).toBe(0x1f); // gzip's own first byte
  });
});

describe('receivers that break off', () => {
  it.each<[string, string, (socket: Socket) => unknown]>([
    ['short of its content-length', 'content-length: 100\r\n\r\nhalf', (socket) => socket.end()],
    ['in the middle of a chunk', 'transfer-encoding: chunked\r\n\r\n64\r\nhalf', (socket) => socket.end()],
    ['by a reset', 'content-length: 100\r\n\r\nhalf', (socket) => setTimeout(() => setImmediate(() => reset(socket)), 50)], // after the client, of this process, had a turn to read
  ])('200 and a body that ends %s is delivered, and flagged', async (_, rest, end) => {
    const receiver = await start(answering(`HTTP/1.1 200 OK\r\n${rest}`, end));
    const { outcome, response } = await post(client, receiver.url);
    expect(outcome).toEqual({ kind: 'delivered', status: 200, flagged: 'body_incomplete' });
    expect(response).toMatchObject({ status: 200, body: 'half' });
    expectFreed();
  });

  it.each<[string, (socket: Socket) => unknown]>([
    ['resets the connection after it has read the request', reset],
    ['closes the connection after it has read the request', (socket) => socket.end()],
    ['breaks off in its status line', (socket) => socket.end('HTTP/1.1 20')],
    ['breaks off in its headers', (socket) => socket.end('HTTP/1.1 200 OK\r\nx-half: y')],
  ])('one that %s leaves the outcome open', async (_, end) => {
    const receiver = await start(async (socket, asked) => {
      await asked;
      end(socket);
    });
    const { outcome, response } = await post(client, receiver.url);
    expect(outcome).toMatchObject({ kind: 'failed', reason: expect.stringMatching(/^(reset|protocol_error)$/) as string });
    expect(outcome).not.toHaveProperty('status');
    expect(response).toBeUndefined();
    expect(receiver.requests).toHaveLength(1);
    expectFreed();
  });

  it('one that resets the connection before the request is a reset, not a blocked address', async () => {
    const receiver = await start((socket) => void reset(socket));
    expect((await post(client, receiver.url)).outcome).toMatchObject({ kind: 'failed', reason: 'reset' });
    expectFreed();
  });

  it('one that is not there is refused, without its address', async () => {
    const receiver = await startRawReceiver(() => {});
    await receiver.stop();
    expect((await post(client, receiver.url)).outcome).toEqual({ kind: 'failed', reason: 'refused', detail: 'connection refused' });
    expectFreed();
  });
});

describe('receivers that answer nonsense', () => {
  it.each([
    ['another protocol', 'SSH-2.0-OpenSSH_9.2p1 Debian\r\n'],
    ['HTTP/2 without being asked', '\0\0\0\x04\0\0\0\0\0'],
    ['a status of letters', 'HTTP/1.1 abc OK\r\n\r\n'],
    ['a switch of protocols', 'HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: upgrade\r\n\r\n'],
    ['a switch of protocols to none', 'HTTP/1.1 101 Switching Protocols\r\n\r\n'],
    ['an unasked 100', 'HTTP/1.1 100 Continue\r\n\r\n'],
    ['two lengths', 'HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nxx'],
    ['a length and chunks', 'HTTP/1.1 200 OK\r\ncontent-length: 3\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n'],
    ['a line end inside a header', 'HTTP/1.1 200 OK\r\nx-a: b\rc\r\n\r\n'],
  ])('%s is a protocol error', async (_, text) => {
    const receiver = await start(answering(text));
    expect((await post(client, receiver.url)).outcome).toMatchObject({ kind: 'failed', reason: 'protocol_error' });
    expectFreed();
  });

  it('5,000 headers, names of JavaScript’s own and values beyond ASCII do not hide a 200', async () => {
    const many = Array.from({ length: 5_000 }, (_, at) => `x-header-${at}: value number ${at}\r\n`).join('');
    const odd = '__proto__: polluted\r\n__proto__: twice\r\nconstructor: one\r\nconstructor: two\r\nx-latin: caf\xe9\r\n';
    const receiver = await start(async (socket, asked) => {
      await asked;
      socket.write(Buffer.from(`HTTP/1.1 200 OK\r\ncontent-length: 2\r\n${odd}${many}\r\nok`, 'latin1'));
    });
    const { outcome, response } = await post(client, receiver.url);
    expect(outcome).toEqual({ kind: 'delivered', status: 200 });
    expect(response).toMatchObject({ body: 'ok', headers: { 'content-length': '2', constructor: 'one, two', 'x-latin': 'café' } });
    expect(Object.keys(response!.headers).length).toBeLessThanOrEqual(64);
    expect(JSON.stringify(response!.headers).length).toBeLessThan(8_192);
    expect({}).not.toHaveProperty('polluted');
  });

  it.each([
    ['1e9 seconds', '1000000000'],
    ['a negative time', '-5'],
    ['a time that has passed', 'Thu, 01 Jan 1970 00:00:00 GMT'],
    ['garbage', 'soon'],
    ['5,000 digits', '9'.repeat(5_000)],
  ])('Retry-After of %s is handed on as it is, within bounds', async (_, text) => {
    const receiver = await start(answering(`HTTP/1.1 503 Busy\r\nretry-after: ${text}\r\ncontent-length: 0\r\n\r\n`));
    const { outcome } = await post(client, receiver.url);
    expect(outcome).toEqual({ kind: 'failed', reason: 'status', status: 503, retryAfter: text.slice(0, 64), detail: undefined });
  });

  it.each([200, 201, 204, 299])('%i is delivered', async (status) => {
    const receiver = await start(answering(`HTTP/1.1 ${status} X\r\ncontent-length: 0\r\n\r\n`));
    expect((await post(client, receiver.url)).outcome).toEqual({ kind: 'delivered', status });
  });

  it.each([
    [300, 'redirect_not_followed'],
    [304, 'redirect_not_followed'],
    [400, 'status'],
    [410, 'status'],
    [500, 'status'],
    [999, 'status'],
  ])('%i is a failure: %s', async (status, reason) => {
    const receiver = await start(answering(`HTTP/1.1 ${status} X\r\ncontent-length: 0\r\n\r\n`));
    expect((await post(client, receiver.url)).outcome).toMatchObject({ kind: 'failed', reason, status });
  });

  it('2xx on every 20th attempt only is taken attempt by attempt', async () => {
    let attempts = 0;
    const receiver = await start((socket) => {
      socket.on('data', () => socket.write(`HTTP/1.1 ${++attempts % 20 === 0 ? 200 : 500} X\r\ncontent-length: 0\r\n\r\n`));
    });
    const kinds: string[] = [];
    for (let attempt = 1; attempt <= 40; attempt += 1) kinds.push((await post(client, receiver.url)).outcome.kind);
    expect(kinds.flatMap((kind, at) => (kind === 'delivered' ? [at + 1] : []))).toEqual([20, 40]);
  });

  it('a second answer that nobody asked for is not taken for the next attempt’s', async () => {
    const receiver = await start(async (socket, asked) => {
      await asked;
      socket.write('HTTP/1.1 500 Oh\r\ncontent-length: 0\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n');
    });
    for (let attempt = 1; attempt <= 3; attempt += 1) {
      expect((await post(client, receiver.url)).outcome).toMatchObject({ kind: 'failed', status: 500 });
    }
    expect(receiver.sockets).toHaveLength(3);
  });
});

it('200 receivers of all these kinds cost a healthy one nothing', async () => {
  const hanging = await start(() => {});
  const dripping = await start(answering('HTTP/1.1 200 OK\r\n\r\n', (socket) => drip(socket, 50)));
  const flooding = await start(answering('HTTP/1.1 200 OK\r\n\r\n', (socket) => flood(socket, 'y'.repeat(65_536))));
  const breaking = await start((socket) => void socket.resetAndDestroy());
  const healthy = await start((socket) => void socket.on('data', () => socket.write('HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok')));
  const sick = Array.from({ length: 50 }, () => [hanging, dripping, flooding, breaking].map(({ url }) => post(client, url, { timeoutMs: 600_000 })));
  for (let attempt = 1; attempt <= 100; attempt += 1) {
    expect((await post(client, healthy.url)).outcome.kind).toBe('delivered');
  }
  expect(client.counts.inFlight).toBeGreaterThanOrEqual(50); // those that hang, all the while
  expect(healthy.sockets).toHaveLength(1);
  await hanging.stop();
  const kinds = (await Promise.all(sick.flat())).map(({ outcome }) => (outcome.kind === 'delivered' ? outcome.flagged : outcome.reason));
  expect(['body_cut', 'reset'].map((kind) => kinds.filter((one) => one === kind).length)).toEqual([100, 100]);
  expect(client.counts).toMatchObject({ inFlight: 0, open: 1, idle: 1 });
});
