import { readFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import { Validator } from '@seriousme/openapi-schema-validator';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { testLog } from '@spillway/jetstream/testing';
import { KeyRing, KeyStore } from '@spillway/keys';
import { ApiContract, eventually, RawClient, type ApiDescription } from '@spillway/testing';
import { ADMIN_KEY, headOf, startIngest, startRig, type Rig } from '../../test/rig.ts';
import { openApiDocument } from './document.ts';
import { routes } from './routes.ts';
import { schemas } from './schemas.ts';

const api = openApiDocument();
const contract = new ApiContract(api as unknown as ApiDescription);
const EVENT = '{"tenant":"acme","type":"a","data":1}';

const judge = new Ajv2020({ strict: true, strictTypes: false, strictRequired: false, validateFormats: false });
for (const [name, schema] of Object.entries(schemas)) judge.addSchema(schema, `#/components/schemas/${name}`);

type Parameter = { name: string; in: string; description: string; schema: object };
const { parameters } = (api['paths'] as { '/v1/events': { post: { parameters: Parameter[] } } })['/v1/events'].post;
const binaryParameters = parameters.filter(({ name }) => name.startsWith('ce-'));
/** Of these headers, those that the document does not allow. */
const binaryFaults = (headers: Record<string, string>): string[] => binaryParameters.filter(({ name, schema }) => name in headers && !judge.validate(rebased(schema), headers[name])).map(({ name }) => name);

const stopped: { stop: () => Promise<unknown> }[] = [];
let rig: Rig;
let limited: string;
let powerless: string;
let theirs: string;
beforeAll(async () => {
  rig = await startRig();
  stopped.push(rig);
  const ring = await KeyRing.open(await rig.plane.connect(), { log: testLog });
  await ring.bucket.whenReady();
  const store = new KeyStore(ring.bucket);
  limited = (await store.create({ scopes: ['events:write'], tenant: 'limited', ratePerSecond: 0.01 }, 'test')).text;
  theirs = (await store.create({ scopes: ['events:write'], tenant: 'theirs' }, 'test')).text;
  powerless = (await store.create({ scopes: ['events:read'] }, 'test')).text;
  stopped.unshift({ stop: async () => ring.close() });
});
afterAll(async () => {
  for (const each of stopped.splice(0)) await each.stop();
});

type Seen = { status: number; headers: Record<string, string>; body: string };
/** What was seen, as `ApiContract.answers` says it. */
const seen = new Set<string>();

const hold = (route: string, answer: Seen): Seen => {
  const [method = '', path = ''] = route.split(' ');
  expect(contract.fault({ method, path }, answer)).toBeUndefined();
  const { content } = responsesOf(method, path)[answer.status] ?? {};
  const media = answer.headers['content-type']?.split(';', 1)[0] ?? '';
  const value: unknown = media.endsWith('json') ? JSON.parse(answer.body) : answer.body;
  expect([judge.validate(rebased(content?.[media]?.schema), value), judge.errorsText()]).toEqual([true, 'No errors']);
  seen.add(`${route} ${answer.status} ${(value as { code?: string }).code ?? ''}`.trim());
  return answer;
};

type Responses = Record<string, { content?: Record<string, { schema: object }> }>;
const responsesOf = (method: string, path: string): Responses => (api['paths'] as Record<string, Record<string, { responses: Responses }>>)[path]?.[method.toLowerCase()]?.responses ?? {};
/** The judge knows the components by their place in the document. */
const rebased = (schema: object | undefined): object => JSON.parse(JSON.stringify(schema)) as object;

const send = async (route: string, headers: Record<string, string> = {}, body: string | Uint8Array = EVENT, url = rig.url): Promise<Seen> => {
  const [method = '', path = ''] = route.split(' ');
  const post = method === 'POST' ? { body: Buffer.from(body), headers: { authorization: `Bearer ${ADMIN_KEY}`, 'content-type': 'application/json', ...headers } } : { headers };
  const answer = await fetch(`${url}${path}`, { method, ...post });
  return hold(route, { status: answer.status, headers: Object.fromEntries(answer.headers), body: await answer.text() });
};

const batch = (headers: Record<string, string>, body = `[${EVENT}]`): Promise<Seen> => send('POST /v1/events/batch', headers, body);

/** What only a raw socket can be told. */
const say = async (route: string, text: string, url = rig.url): Promise<Seen> => {
  const heard = await new RawClient(url).say(text).closed();
  const [head = '', body = ''] = heard.split('\r\n\r\n');
  const headers = Object.fromEntries(head.split('\r\n').slice(1).map((line) => [line.slice(0, line.indexOf(':')).toLowerCase(), line.slice(line.indexOf(':') + 1).trim()]));
  return hold(route, { status: Number(/ (\d+)/.exec(head)?.[1]), headers, body });
};

const another = async (env: Record<string, string>): Promise<string> => {
  const serving = await startIngest(rig.plane, env);
  stopped.unshift(serving);
  return serving.url;
};

describe('/openapi.json', () => {
  it('is what the code says, without a key', async () => {
    expect(JSON.parse((await send('GET /openapi.json')).body)).toEqual(JSON.parse(JSON.stringify(api)));
  });

  it('is a document of OpenAPI 3.1 by its own schema', async () => {
    const validator = new Validator();
    expect([await validator.validate(JSON.parse(JSON.stringify(api)) as Record<string, unknown>), validator.version]).toEqual([{ valid: true }, '3.1']);
  });

  it('names the routes that the reference names', () => {
    const reference = readFileSync(new URL('../../../../docs/reference/http-api.md', import.meta.url), 'utf8');
    const told = [.../^## ingest$([^]*?)^## /m.exec(reference)?.[1]?.matchAll(/^\| ((?:`[A-Z]+ \/[^|]*)) \|/gm) ?? []].flatMap(([, cell]) => [...(cell ?? '').matchAll(/`([^`]+)`/g)].map(([, route]) => route));
    const ofEveryApp = new Set(['/healthz', '/readyz', '/metrics']);
    expect(told).toEqual(routes.filter(({ path }) => !ofEveryApp.has(path)).map(({ method, path }) => `${method.toUpperCase()} ${path}`));
  });

  it.each([
    ['{"tenant":"acme","type":"a.b","data":{"x":[1]},"id":"a","time":"2026-11-22T10:00:00Z"}', 202],
    ['{"tenant":"acme","type":"a","data":null}', 202],
    ['{"tenant":"acme","type":"a"}', 422],
    ['{"tenant":"","type":"a","data":1}', 422],
    ['{"tenant":"acme","type":"a..b","data":1}', 422],
    ['{"tenant":"acme","type":"a","data":1,"id":""}', 422],
    ['{"tenant":"acme","type":"a","data":1,"id":null}', 422],
    ['{"tenant":"acme","type":"a","data":1,"more":1}', 422],
    ['[]', 422],
  ])('says of %s what the server says', async (body, status) => {
    expect((await send('POST /v1/events', {}, body)).status).toBe(status);
    expect(judge.validate('#/components/schemas/Event', JSON.parse(body))).toBe(status === 202);
  });
});

describe('each answer that is documented is given:', () => {
  it.each([
    [['{"tenant":"acme","type":"a","data":1}', '{"tenant":"acme","type":"a","data":2}'], 202],
    [['{"tenant":"acme","type":"a","data":1}', '{"tenant":"acme"}', '7'], 207],
    [[], 202],
  ])('of the batch %j: %d', async (events, status) => {
    const text = `[${events.join(',')}]`;
    expect((await batch({}, text)).status).toBe(status);
    expect(judge.validate('#/components/schemas/Events', JSON.parse(text))).toBe(status === 202);
    expect((await send('POST /v1/events/batch', { 'content-type': 'application/x-ndjson' }, events.join('\n'))).status).toBe(status);
  });

  it('what a CloudEvent deserves, alone and in a batch', async () => {
    const cloudEvent = { specversion: '1.0', id: '1', source: '/s', type: 'a.b', tenant: 'acme', comexample: 7, time: null, data: { a: 1 } };
    for (const [event, status] of [[cloudEvent, 202], [{ ...cloudEvent, id: '' }, 422], [{ ...cloudEvent, source: undefined }, 422], [{ ...cloudEvent, comexample: [] }, 422]] as const) {
      const text = JSON.stringify(event);
      expect((await send('POST /v1/events', { 'content-type': 'application/cloudevents+json' }, text)).status).toBe(status);
      expect(judge.validate('#/components/schemas/CloudEvent', JSON.parse(text))).toBe(status === 202);
      expect((await send('POST /v1/events', { 'content-type': 'application/cloudevents-batch+json' }, `[${text}]`)).status).toBe(status === 202 ? 202 : 207);
    }
  });

  it('what a CloudEvent in binary mode deserves, by the headers that the document names', async () => {
    const good = { 'ce-specversion': '1.0', 'ce-id': 'caf%C3%A9 7', 'ce-source': '/shop?a=%e2%82%ac', 'ce-type': 'a.b', 'ce-time': '2026-11-22T10:00:00Z', 'ce-subject': 'order%207', 'ce-dataschema': '/schemas/1', 'ce-tenant': 'acme' };
    expect(binaryParameters.map(({ name }) => name)).toEqual(Object.keys(good));
    expect(binaryFaults(good)).toEqual([]);
    for (const headers of [good, { ...good, 'ce-comexample': 'an%20extension' }]) expect((await send('POST /v1/events', headers, '[{"any":"data"}]')).status).toBe(202);
    expect((await send('POST /v1/events', { ...good, 'content-type': 'application/vnd.acme+json' }, '1')).status).toBe(202);

    const wrong = { 'ce-specversion': '0.3', 'ce-id': '', 'ce-source': '', 'ce-type': 'a..b', 'ce-subject': '', 'ce-dataschema': '', 'ce-tenant': 'a.b' };
    for (const [name, value] of Object.entries(wrong)) {
      expect(binaryFaults({ ...good, [name]: value })).toEqual([name]);
      expect([name, (await send('POST /v1/events', { ...good, [name]: value })).status]).toEqual([name, 422]);
    }
    for (const { name, description } of binaryParameters) {
      const { [name]: _, ...rest } = good as Record<string, string>;
      expect([name, (await send('POST /v1/events', rest, '{"amount":1}')).status]).toEqual([name, description.includes('Required') || name === 'ce-tenant' ? 422 : 202]);
    }
  });

  it.each(['POST /v1/events', 'POST /v1/events/batch'])('what gzip deserves: %s', async (route) => {
    const packed = gzipSync(route.endsWith('batch') ? `[${EVENT}]` : EVENT);
    expect((await send(route, { 'content-encoding': 'gzip' }, packed)).status).toBe(202);
    expect((await send(route, { 'content-encoding': 'gzip' }, packed.subarray(0, 30))).status).toBe(400);
    expect((await send(route, { 'content-encoding': 'br' }, packed)).status).toBe(415);
  });

  it('what a batch deserves as a whole', async () => {
    await batch({}, '[');
    await batch({}, '{}');
    await batch({}, `[${Array.from({ length: 1_001 }, () => EVENT).join(',')}]`);
    await batch({ 'content-type': 'text/plain' });
    await batch({ authorization: `Bearer ${limited}` });
    await batch({ authorization: `Bearer ${limited}` });
    await eventually(async () => expect((await batch({ authorization: `Bearer ${powerless}` })).status).toBe(403));
    await eventually(async () => expect((await batch({ authorization: 'Bearer nobody' })).status).toBe(401));
  });

  it('what a request deserves', async () => {
    await send('POST /v1/events', {}, '{');
    await eventually(async () => expect((await send('POST /v1/events', { authorization: `Bearer ${powerless}` })).status).toBe(403));
    // until all keys are in sight nobody is told that his is wrong
    await eventually(async () => expect((await send('POST /v1/events', { authorization: 'Bearer nobody' })).status).toBe(401));
    await eventually(async () => expect((await send('GET /readyz')).status).toBe(200));
    await send('POST /v1/events', { authorization: `Bearer ${limited}` });
    await send('POST /v1/events', { authorization: `Bearer ${theirs}` });
    await send('POST /v1/events', {}, 'x'.repeat(300_000));
    await send('POST /v1/events', { 'content-type': 'text/plain' });
    for (const path of ['/healthz', '/metrics']) await send(`GET ${path}`);
  });

  it('what a share and a memory hold', async () => {
    const large = `{"tenant":"large","type":"a","data":"${'x'.repeat(100_000)}"}`;
    expect((await send('POST /v1/events', {}, large, await another({ SPILLWAY_TENANT_SHARE: '0.001' }))).status).toBe(429);
    const tight = await another({ SPILLWAY_MAX_REQUESTS_IN_FLIGHT: '2' });
    const halves = [new RawClient(tight).say(`${headOf('content-length: 100').replace(ADMIN_KEY, theirs)}{`)];
    await eventually(async () => expect((await send('POST /v1/events/batch', { authorization: `Bearer ${theirs}` }, `[${EVENT}]`, tight)).status).toBe(429));
    halves.push(new RawClient(tight).say(`${headOf('content-length: 100')}{`));
    await eventually(async () => expect((await send('POST /v1/events', {}, EVENT, tight)).status).toBe(503));
    expect((await send('POST /v1/events/batch', {}, `[${EVENT}]`, tight)).status).toBe(503);
    for (const { socket } of halves) socket.destroy();
  });

  it('whatever was asked for: broken HTTP, a slow one, a large head, a connection too many', async () => {
    const slow = await another({ SPILLWAY_REQUEST_TIMEOUT_MS: '500' });
    const narrow = await another({ SPILLWAY_MAX_CONNECTIONS: '1' });
    const first = new RawClient(narrow).say('GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n');
    await eventually(() => expect(first.statuses).toEqual([200]));
    for (const { method, path } of routes) {
      const route = `${method.toUpperCase()} ${path}`;
      await say(route, `${route} HTTP/1.1\r\nno header\r\n\r\n`);
      await say(route, `${route} HTTP/1.1\r\nx: ${'y'.repeat(20_000)}\r\n\r\n`);
      await say(route, `${route} HTTP/1.1\r\nhost: x\r\n`, slow);
      await say(route, `${route} HTTP/1.1\r\nhost: x\r\n\r\n`, narrow);
    }
    first.socket.destroy();
  });

  it('who may look off loopback', async () => {
    const open = await another({ SPILLWAY_BIND: '0.0.0.0', SPILLWAY_STATUS_KEY: 'a-key-of-some-length' });
    expect((await send('GET /metrics', {}, undefined, open)).status).toBe(401);
    expect((await send('GET /metrics', {}, undefined, await another({ SPILLWAY_BIND: '0.0.0.0' }))).status).toBe(403);
  });

  it('a broker that is silent, then gone; and then none is left that was never given', async () => {
    const hasty = await another({ SPILLWAY_ACCEPT_DEADLINE_MS: '400' });
    await send('POST /v1/events', {}, EVENT, hasty);
    rig.plane.server.freeze();
    expect(JSON.parse((await send('POST /v1/events', {}, EVENT, hasty)).body)).toMatchObject({ code: 'outcome_unknown' });
    rig.plane.server.thaw();
    await rig.plane.server.kill();
    await eventually(async () => expect(JSON.parse((await send('POST /v1/events')).body)).toMatchObject({ code: 'broker_unavailable' }));
    await batch({});
    await eventually(async () => expect((await send('GET /readyz')).status).toBe(503));
    expect([...contract.answers()].filter((answer) => !seen.has(answer))).toEqual([]);
    await rig.plane.server.restart();
  });
});
