import { testLog } from '@spillway/jetstream/testing';
import { KeyRing, KeyStore } from '@spillway/keys';
import { eventually } from '@spillway/testing';
import { CloudEvent, emitterFor, HTTP, httpTransport, Mode, type CloudEventV1 } from 'cloudevents';
import { ADMIN_KEY, startRig, type Answer, type Rig } from '../test/rig.ts';

let rig: Rig;
beforeAll(async () => {
  rig = await startRig({ env: { SPILLWAY_DOOR_IDS: '0' } }); // what is sent again is looked for in the stream
});
afterAll(() => rig.stop());

const AUTHORIZED = { headers: { authorization: `Bearer ${ADMIN_KEY}` } };
let tenants = 0;
const newTenant = (): string => `ce${(tenants += 1)}`;
/** As the SDK makes it: an independent client. */
const event = (tenant: string, fields: Partial<CloudEventV1<unknown>> = {}): CloudEvent<unknown> =>
  new CloudEvent({ tenant, type: 'com.example.invoice.paid', source: 'https://shop.example/orders?region=eu', id: 'A234-1234', time: '2026-11-22T10:00:00.500Z', subject: 'order 7', comexampleflag: true, comexamplenumber: 5, data: { amount: 42, tags: ['a'] }, ...fields });

const structured = (body: string, headers: Record<string, string | undefined> = {}): Promise<Answer> => rig.post(body, { 'content-type': 'application/cloudevents+json', ...headers });
const binary = (body: string, headers: Record<string, string | undefined> = {}): Promise<Answer> =>
  rig.post(body, { 'ce-specversion': '1.0', 'ce-id': '1', 'ce-source': '/shop', 'ce-type': 'a.b', ...headers });
const plain = (fields: Record<string, unknown> = {}): string => JSON.stringify({ specversion: '1.0', id: '1', source: '/shop', type: 'a.b', tenant: 'acme', data: 1, ...fields });
const fields = ({ status, problem }: Answer): unknown[] => [status, problem.code, ...(problem.errors ?? []).map(({ field }) => field).toSorted()];

describe('a CloudEvent of the SDK', () => {
  it.each([Mode.BINARY, Mode.STRUCTURED])('in %s mode is accepted, with its attributes and data', async (mode) => {
    const tenant = newTenant();
    const emit = emitterFor(httpTransport(`${rig.url}/v1/events`), { binding: HTTP, mode });
    const { body } = (await emit(event(tenant), AUTHORIZED)) as { body: string };
    const [stored] = await rig.all(tenant);
    expect(stored?.body).toBe('{"type":"com.example.invoice.paid","timestamp":"2026-11-22T10:00:00.500Z","data":{"amount":42,"tags":["a"]}}');
    expect({ ...stored?.meta, attributes: Object.fromEntries(stored?.meta.attributes ?? []) }).toMatchObject({
      eventId: (JSON.parse(body) as { id: string }).id,
      tenant,
      type: 'com.example.invoice.paid',
      source: 'https://shop.example/orders?region=eu',
      sourceId: 'A234-1234',
      time: '2026-11-22T10:00:00.500Z',
      attributes: { subject: 'order 7', comexampleflag: 'true', comexamplenumber: '5' },
    });
  });

  it.each(['/v1/events', '/v1/events/batch'])('in batches to %s: 202 when all are good, else 207 in order', async (path) => {
    const tenant = newTenant();
    const type = { 'content-type': 'application/cloudevents-batch+json; charset=utf-8' };
    const good = await rig.post(JSON.stringify([event(tenant, { id: '1' }), event(tenant, { id: '2' })]), type, path);
    expect([good.status, good.results.map(({ status }) => status)]).toEqual([202, [202, 202]]);
    const mixed = await rig.post(JSON.stringify([event(tenant, { id: '1' }), { id: 'x' }, event(tenant, { id: '3', data: undefined })]), type, path);
    expect([mixed.status, mixed.results.map(({ status, problem }) => [status, problem?.code])]).toEqual([207, [[202, undefined], [422, 'invalid_event'], [202, undefined]]]);
    expect(mixed.results[0]?.id).toBe(good.results[0]?.id);
    expect((await rig.all(tenant)).map(({ meta, body }) => `${meta.sourceId} ${body.replace(/^.*"data":/, '')}`)).toEqual(['1 {"amount":42,"tags":["a"]}}', '2 {"amount":42,"tags":["a"]}}', '1 {"amount":42,"tags":["a"]}}', '3 null}']);
    expect((await rig.post('[]', type, path)).body).toBe('{"results":[]}');
    expect((await rig.post(JSON.stringify(event(tenant)), type, path)).status).toBe(422);
  });

  it('is known by its source and id together, in every mode; a key of the request wins', async () => {
    const sent = [await structured(plain()), await binary('1', { 'ce-tenant': 'acme' }), await structured(plain({ data: 2 }))];
    expect(new Set(sent.map(({ id }) => id)).size).toBe(1);
    const others = [await structured(plain({ source: '/other' })), await rig.post('{"tenant":"acme","type":"a.b","id":"1","data":1}'), await structured(plain(), { 'idempotency-key': '1' })];
    expect(new Set([...others, sent[0] as Answer].map(({ id }) => id)).size).toBe(3);
    expect(others[1]?.id).toBe(others[2]?.id);
  });
});

describe('the tenant', () => {
  it('is the extension attribute, or the tenant of the key', async () => {
    const ring = await KeyRing.open(await rig.plane.connect(), { log: testLog });
    await ring.bucket.whenReady();
    const tenant = newTenant();
    const { text } = await new KeyStore(ring.bucket).create({ scopes: ['events:write'], tenant }, 'test');
    ring.close();
    const key = { authorization: `Bearer ${text}` };
    await eventually(async () => expect((await structured(plain({ tenant: undefined }), key)).status).toBe(202));
    expect((await binary('1', key)).status).toBe(202);
    expect((await rig.all(tenant)).length).toBe(2);
    expect(fields(await structured(plain({ tenant: 'somebody-else' }), key))).toEqual([403, 'wrong_tenant']);
    expect(fields(await structured(plain({ tenant: undefined })))).toEqual([422, 'invalid_event', 'tenant']);
    expect(fields(await structured(plain({ tenant: 'a.b' })))).toEqual([422, 'invalid_event', 'tenant']);
  });
});

describe('data', () => {
  it.each(['12345678901234567890', '1.0', '{"__proto__":{"a":1},"a":1,"a":2}', '{ "ä" : [ "€𝄞" , -0 ] }', '"\\ud800"', 'null'])('%s arrives byte for byte, in each mode', async (data) => {
    const tenant = newTenant();
    const text = `{"specversion":"1.0","id":"1","source":"/s","type":"a.b","tenant":"${tenant}","data": ${data} }`;
    expect((await structured(text)).status).toBe(202);
    expect((await binary(` ${data}\n`, { 'ce-tenant': tenant })).status).toBe(202);
    expect((await rig.post(`[${text}]`, { 'content-type': 'application/cloudevents-batch+json' })).status).toBe(202);
    expect((await rig.all(tenant)).map(({ body }) => body.replace(/^.*?"data":/, ''))).toEqual([`${data}}`, `${data}}`, `${data}}`]);
  });

  it('may be missing: receivers get null', async () => {
    const tenant = newTenant();
    expect((await structured(plain({ tenant, data: undefined }))).status).toBe(202);
    expect((await binary('', { 'ce-tenant': tenant, 'content-type': undefined })).status).toBe(202);
    expect((await rig.all(tenant)).map(({ body }) => body.replace(/^.*"data":/, ''))).toEqual(['null}', 'null}']);
  });

  it('that is no JSON is refused clearly', async () => {
    expect(fields(await structured(plain({ data: undefined, data_base64: 'AAEC' })))).toEqual([422, 'invalid_event', 'data_base64']);
    expect(fields(await structured(plain({ datacontenttype: 'text/xml', data: '<a/>' })))).toEqual([422, 'invalid_event', 'datacontenttype']);
    expect(fields(await structured(plain({ datacontenttype: 'application/vnd.acme+json' })))).toEqual([202, undefined]);
    const answer = await binary('<a/>', { 'ce-tenant': 'acme', 'content-type': 'application/xml' });
    expect([...fields(answer), answer.problem.detail]).toEqual([415, 'unsupported_media_type', expect.stringContaining('JSON media type, as receivers get JSON; seen: application/xml')]);
    expect(fields(await binary('{"a":', { 'ce-tenant': 'acme' }))).toEqual([400, 'malformed_json']);
    expect(fields(await binary(`${'['.repeat(513)}${']'.repeat(513)}`, { 'ce-tenant': 'acme' }))).toEqual([422, 'invalid_event', 'data']);
    expect((await binary(`${'['.repeat(512)}${']'.repeat(512)}`, { 'ce-tenant': 'acme' })).status).toBe(202);
    expect(fields(await binary('['.repeat(200_000), { 'ce-tenant': 'acme' }))).toEqual([422, 'invalid_event', 'data']);
  });
});

describe('an attribute', () => {
  it('in a header is unquoted and percent-decoded', async () => {
    const tenant = newTenant();
    const raw = Buffer.from('Zürich').toString('latin1');
    await binary('1', { 'ce-tenant': tenant, 'ce-subject': 'Euro%20%e2%82%AC%20%F0%9F%98%80', 'ce-source': '%2Fshop', 'ce-quoted': '"a \\"b\\" %41"', 'ce-raw': raw });
    const { meta } = (await rig.all(tenant))[0] ?? { meta: { source: '', attributes: [] } };
    expect([meta.source, Object.fromEntries(meta.attributes ?? [])]).toEqual(['/shop', { subject: 'Euro € 😀', quoted: 'a "b" A', raw: 'Zürich' }]);
    for (const bad of ['%C0%A0', '%ff', '%', '\xff']) expect([bad, ...fields(await binary('1', { 'ce-tenant': tenant, 'ce-subject': bad }))]).toEqual([bad, 422, 'invalid_event', 'ce-subject']);
  });

  it.each([
    ['specversion', { specversion: undefined }],
    ['specversion', { specversion: '0.3' }],
    ['id', { id: undefined }],
    ['id', { id: '' }],
    ['id', { id: 7 }],
    ['source', { source: undefined }],
    ['source', { source: 'a b' }],
    ['source', { source: '' }],
    ['type', { type: undefined }],
    ['type', { type: 'a/b' }],
    ['time', { time: 'yesterday' }],
    ['subject', { subject: '' }],
    ['subject', { subject: 'a\nb' }],
    ['dataschema', { dataschema: 7 }],
    ['comexampleobject', { comexampleobject: {} }],
    ['comexamplefloat', { comexamplefloat: 1.5 }],
    ['comExample', { comExample: 'x' }],
  ])('%s of %j is refused by name', async (field, wrong) => {
    expect(fields(await structured(plain(wrong)))).toEqual([422, 'invalid_event', field]);
  });

  it('called __proto__ is a name like any other, and none of CloudEvents', async () => {
    expect(fields(await structured(plain().replace('{', '{"__proto__":"x",')))).toEqual([422, 'invalid_event', '__proto__']);
  });

  it('that is null is unset', async () => {
    const tenant = newTenant();
    expect((await structured(plain({ tenant, subject: null, comexample: null, time: null }))).status).toBe(202);
    expect((await rig.all(tenant))[0]?.meta.attributes).toEqual([]);
    expect(fields(await structured(plain({ id: null })))).toEqual([422, 'invalid_event', 'id']);
  });

  it('beyond 8 KiB of them all is refused', async () => {
    expect(fields(await structured(plain({ comexample: 'ä'.repeat(2_000) })))).toEqual([422, 'invalid_event', 'attributes']);
    expect((await structured(plain({ comexample: 'a'.repeat(8_000) }))).status).toBe(202);
  });

  it('is asked for by name when only some came as headers', async () => {
    const answer = await rig.post('{"tenant":"acme","type":"a","data":1}', { 'ce-id': '1' });
    expect(fields(answer)).toEqual([422, 'invalid_event', 'source', 'specversion', 'tenant', 'type']);
    expect(fields(await binary('1', { 'ce-datacontenttype': 'application/json', 'ce-tenant': 'acme' }))).toEqual([422, 'invalid_event', 'ce-datacontenttype']);
  });
});

it('in another format is refused: there is only JSON', async () => {
  for (const type of ['application/cloudevents+xml', 'application/cloudevents+avro', 'application/cloudevents']) expect(fields(await rig.post(plain(), { 'content-type': type }))).toEqual([415, 'unsupported_media_type']);
});
