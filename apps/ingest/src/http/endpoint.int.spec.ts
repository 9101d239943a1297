import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { eventually, RawClient } from '@spillway/testing';
import { ADMIN_KEY, headOf, startRig, type Rig } from '../../test/rig.ts';

const EVENT = '{"tenant":"acme","type":"a","data":1}';

let rig: Rig;
beforeAll(async () => {
  rig = await startRig();
});
afterAll(() => rig.stop());

const open = (): Socket => connect(Number(new URL(rig.url).port), '127.0.0.1');

/** Reads until `pattern` is there. */
const heard = async (socket: Socket, pattern: RegExp): Promise<string> => {
  let text = '';
  for await (const [chunk] of on(socket)) {
    text += String(chunk);
    if (pattern.test(text)) return text;
  }
  throw new Error(`the connection ended after: ${text}`);
};
async function* on(socket: Socket): AsyncGenerator<[Buffer]> {
  while (!socket.destroyed) yield (await once(socket, 'data')) as [Buffer];
}

describe('the route in another spelling', () => {
  it.each(['/%761/events', '/v1/events?a=1', '/v1/%65vents'])('%s is answered the same', async (path) => {
    const ask = (key: string, body: string) => fetch(`${rig.url}${path}`, { method: 'POST', body, headers: { 'content-type': 'application/json', authorization: `Bearer ${key}` } });
    const good = await ask(ADMIN_KEY, EVENT);
    expect([good.status, await good.json()]).toEqual([202, { id: expect.stringMatching(/^evt_/) }]);
    await eventually(async () => expect((await ask('wrong', EVENT)).status).toBe(401)); // 503 until all keys are in sight
    expect((await ask(ADMIN_KEY, '{')).status).toBe(400);
  });
});

describe('both ways to the endpoint, past the router and through it,', () => {
  const event = Buffer.from(EVENT);
  const asked = async (path: string, headers: readonly string[], body = event): Promise<string> => {
    const client = new RawClient(rig.url).say(`POST ${path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n${headers.join('\r\n')}\r\ncontent-length: ${body.length}\r\n\r\n`);
    client.socket.write(body);
    return (await client.closed()).replace(/evt_[\w-]+/, 'evt_').replace(/date: [^\r]*/i, '');
  };
  const key = `authorization: Bearer ${ADMIN_KEY}`;
  const json = 'content-type: application/json';

  it.each([
    ['an event', [key, json], event],
    ['no key', [json], event],
    ['no key and no media type that is one', ['content-type: 0.3'], event],
    ['no media type that is one', [key, 'content-type: %00'], event],
    ['an empty media type', [key, 'content-type: '], event],
    ['no media type', [key], event],
    ['another media type', [key, 'content-type: text/plain'], event],
    ['no JSON', [key, json], Buffer.from('{')],
    ['no UTF-8', [key, json], Buffer.from([0x22, 0xff, 0x22])],
    ['nothing', [key, json], Buffer.alloc(0)],
    ['a fault in a field', [key, json], Buffer.from('{"tenant":"acme","data":1}')],
    ['an idempotency key that is none', [key, json, `idempotency-key: ${'k'.repeat(256)}`], event],
    ['too large a body', [key, json], Buffer.alloc(300_000, 0x20)],
    ['a coding that nobody knows', [key, json, 'content-encoding: br'], event],
    ['too many headers', [key, json, ...Array.from({ length: 99 }, (_, n) => `x-${n}: 1`)], event],
  ])('answer %s in the same words', async (_, headers, body) => {
    await eventually(async () => expect((await fetch(`${rig.url}/readyz`)).status).toBe(200));
    for (const path of ['/v1/events', '/v1/events/batch']) {
      const [past, through] = await Promise.all([asked(path, headers, body), asked(path.replace('events', '%65vents'), headers, body)]);
      expect(through).toBe(past);
    }
  });
});

describe('who asks before sending', () => {
  it('is told to go on, and then answered', async () => {
    const socket = open();
    socket.write(headOf('expect: 100-continue', `content-length: ${EVENT.length}`));
    expect(await heard(socket, /\r\n\r\n/)).toBe('HTTP/1.1 100 Continue\r\n\r\n');
    socket.write(EVENT);
    expect(await heard(socket, /evt_/)).toMatch(/^HTTP\/1\.1 202 /);
    socket.destroy();
  });

  it('hears a refusal before a byte was sent', async () => {
    const socket = open();
    socket.write(headOf('expect: 100-continue', 'content-length: 300000'));
    expect(await heard(socket, /too_large/)).toMatch(/^HTTP\/1\.1 413 /);
    socket.destroy();
  });

  it('may expect what nobody knows', async () => {
    expect(await rig.talk(`${headOf('expect: miracles', 'connection: close', `content-length: ${EVENT.length}`)}${EVENT}`)).toMatch(/^HTTP\/1\.1 202 /);
  });
});

describe('a connection', () => {
  it('serves many requests, also after refusals whose bodies nobody read', async () => {
    const socket = open();
    const refused = headOf('content-encoding: br', `content-length: ${EVENT.length}`) + EVENT;
    const good = headOf(`content-length: ${EVENT.length}`) + EVENT;
    for (let i = 0; i < 3; i += 1) {
      socket.write(refused);
      expect(await heard(socket, /unsupported_media_type/)).toMatch(/^HTTP\/1\.1 415 /);
      socket.write(good);
      expect(await heard(socket, /evt_/)).toMatch(/^HTTP\/1\.1 202 /);
    }
    socket.destroy();
  });

  it('answers pipelined requests in their order', async () => {
    const good = headOf(`content-length: ${EVENT.length}`) + EVENT;
    const bad = `${headOf('content-length: 1')}{`;
    const last = headOf('connection: close', `content-length: ${EVENT.length}`) + EVENT;
    const text = await rig.talk(good + bad + good + last);
    expect([...text.matchAll(/HTTP\/1\.1 (\d+)/g)].map(([, status]) => status)).toEqual(['202', '400', '202', '202']);
  });

  it('is closed on a body that goes on after its refusal, once the answer was heard', async () => {
    const socket = open();
    socket.write(headOf('content-length: 50000000'));
    const answer = await heard(socket, /too_large/);
    expect(answer).toMatch(/^HTTP\/1\.1 413 [^]*connection: close/i);
    socket.on('error', () => undefined).write(Buffer.alloc(1_000_000));
    await once(socket, 'close');
  });
});
