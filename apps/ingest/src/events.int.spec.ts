import { headOf, startRig, type Answer, type Rig } from '../test/rig.ts';

let rig: Rig;
beforeAll(async () => {
  rig = await startRig();
});
afterAll(() => rig.stop());

const event = (fields: Record<string, unknown> = {}): string => JSON.stringify({ tenant: 'acme', type: 'invoice.paid', data: { a: 1 }, ...fields });
const withData = (data: string): string => `{"tenant":"acme","type":"invoice.paid","data":${data}}`;

/** What a sender goes by; every refusal is a problem document. */
const refusal = ({ status, headers, problem }: Answer): object => {
  const { type, title, detail, code, errors } = problem;
  const isProblem = (headers.get('content-type') ?? '').startsWith('application/problem+json') && type === 'about:blank' && title !== '' && detail !== '' && problem.status === status;
  return { isProblem, status, code, ...(errors && { fields: errors.map(({ field }) => field).toSorted() }) };
};
const MALFORMED = { isProblem: true, status: 400, code: 'malformed_json' };
const TOO_LARGE = { isProblem: true, status: 413, code: 'payload_too_large' };
const UNSUPPORTED = { isProblem: true, status: 415, code: 'unsupported_media_type' };
const invalid = (...fields: string[]): object => ({ isProblem: true, status: 422, code: 'invalid_event', fields });

describe('a good event', () => {
  it('is answered with 202 and its id, and lies in the stream', async () => {
    const { status, id, headers } = await rig.post(event({ id: 'order-1', time: '2026-11-22T10:00:00.5+01:00' }));
    expect([status, headers.get('content-type')]).toEqual([202, 'application/json; charset=utf-8']);
    expect(id).toMatch(/^evt_[\w-]{22}$/);
    const { body, meta } = await rig.newest('acme');
    expect(body).toBe('{"type":"invoice.paid","timestamp":"2026-11-22T10:00:00.5+01:00","data":{"a":1}}');
    expect(meta).toMatchObject({ eventId: id, tenant: 'acme', type: 'invoice.paid', source: '/tenants/acme', sourceId: 'order-1', time: '2026-11-22T10:00:00.5+01:00' });
    expect(Math.abs(Date.now() - Date.parse(meta.acceptedAt))).toBeLessThan(60_000);
    expect(meta.traceparent).toMatch(/^00-[\da-f]{32}-[\da-f]{16}-00$/);
  });

  it('without a time has the moment it was accepted', async () => {
    await rig.post(event({ tenant: 'timeless' }));
    const { body, meta } = await rig.newest('timeless');
    expect(body).toContain(`"timestamp":"${meta.acceptedAt}"`);
    expect(meta.time).toBeUndefined();
  });

  it.each(['12345678901234567890', '1.0', '1e400', '{"__proto__":{"admin":true}}', '{"a":1,"a":2}', '"\\ud800"', '{ "ä" : [ "€𝄞" , -0 ] }', 'null', `${'['.repeat(512)}${']'.repeat(512)}`])(
    'keeps data %s byte for byte',
    async (data) => {
      expect((await rig.post(withData(data))).status).toBe(202);
      expect((await rig.newest('acme')).body).toMatch(/^\{"type":"invoice.paid","timestamp":"[^"]+","data":/);
      expect((await rig.newest('acme')).body.replace(/^.*?"data":/, '')).toBe(`${data}}`);
    },
  );

  it('may be as large as the limit', async () => {
    const frame = withData('""').length;
    expect((await rig.post(withData(`"${'x'.repeat(256 * 1024 - frame)}"`))).status).toBe(202);
    expect((await rig.newest('acme')).body.length).toBeGreaterThan(256 * 1024 - 100);
  });

  it('has a body in any of the spellings of its media type', async () => {
    for (const type of ['application/json; charset=utf-8', 'Application/JSON;charset="UTF-8"']) expect((await rig.post(event(), { 'content-type': type })).status).toBe(202);
  });
});

describe('the same key', () => {
  it('answers the same id, also for another body; the header wins over the id of the event', async () => {
    const first = await rig.post(event({ id: 'x' }), { 'idempotency-key': 'key-1' });
    const second = await rig.post(event({ id: 'y', data: 2 }), { 'idempotency-key': 'key-1' });
    expect([first.status, second.status, second.id]).toEqual([202, 202, first.id]);
    expect((await rig.newest('acme')).meta).toMatchObject({ eventId: first.id, sourceId: 'y' });
  });

  it('works by the event’s own id, and for each tenant apart', async () => {
    const first = await rig.post(event({ id: 'order/ä 7' }));
    expect((await rig.newest('acme')).meta.sourceId).toBe('order/ä 7');
    expect((await rig.post(event({ id: 'order/ä 7' }))).id).toBe(first.id);
    expect((await rig.post(event({ id: 'order/ä 7', tenant: 'other' }))).id).not.toBe(first.id);
    expect((await rig.post(event())).id).not.toBe((await rig.post(event())).id);
  });

  it.each([['', 'an empty one'], ['x'.repeat(256), 'one of 256 characters']])('%#: is refused when it is none', async (key) => {
    expect(refusal(await rig.post(event(), { 'idempotency-key': key }))).toEqual(invalid('Idempotency-Key'));
  });
});

describe('a bad event', () => {
  it('is not stored', async () => {
    const before = await rig.count();
    for (const body of ['{', '{}', event({ tenant: 'a.b' }), event({ id: '' })]) expect((await rig.post(body)).status).toBeGreaterThanOrEqual(400);
    expect(await rig.count()).toBe(before);
  });

  it.each([
    ['no JSON', '{"tenant":"acme",'],
    ['nothing', ''],
    ['no UTF-8', Buffer.from('{"tenant":"acme","type":"a","data":"\xff"}', 'latin1')],
    ['two values', `${event()}${event()}`],
  ])('malformed: %s', async (_, body) => {
    expect(refusal(await rig.post(body))).toEqual(MALFORMED);
  });

  it.each([
    ['no object', '[]', ['body']],
    ['nothing in it', '{}', ['data', 'tenant', 'type']],
    ['no data', '{"tenant":"acme","type":"a"}', ['data']],
    ['a number for a tenant', event({ tenant: 7 }), ['tenant']],
    ['null for a type', event({ type: null }), ['type']],
    ['a list for an id', event({ id: ['x'] }), ['id']],
    ['a day for a time', event({ time: '2026-11-22' }), ['time']],
    ['a dot in the tenant', event({ tenant: 'acme.eu' }), ['tenant']],
    ['a wildcard for a tenant', event({ tenant: '>' }), ['tenant']],
    ['a line break in the tenant', event({ tenant: 'acme\r\nx: y' }), ['tenant']],
    ['a tenant of 65 characters', event({ tenant: 'a'.repeat(65) }), ['tenant']],
    ['a wildcard in the type', event({ type: 'invoice.*' }), ['type']],
    ['fields nobody knows', event({ source: '/x', topic: 'y' }), ['source', 'topic']],
    ['__proto__ beside data', '{"tenant":"acme","type":"a","data":1,"__proto__":{}}', ['__proto__']],
    ['several at once', event({ tenant: '', time: 1, extra: true }), ['extra', 'tenant', 'time']],
    ['nesting of 513', withData(`${'['.repeat(513)}${']'.repeat(513)}`), ['data']],
    ['nesting of 100,000', withData(`${'['.repeat(100_000)}${']'.repeat(100_000)}`), ['data']],
  ])('invalid: %s', async (_, body, fields) => {
    const answer = await rig.post(body);
    expect(refusal(answer)).toEqual(invalid(...fields));
    for (const { field, wanted } of answer.problem.errors ?? []) expect(answer.problem.detail).toContain(`${field}: wanted ${wanted}`);
  });

  it.each(['text/plain', 'application/x-www-form-urlencoded', 'application/json; charset=utf-16', 'application/cloudevents+xml', 'application/x-ndjson', undefined])('unsupported media type: %s', async (type) => {
    const answer = await rig.post(event(), { 'content-type': type });
    expect(refusal(answer)).toEqual(UNSUPPORTED);
    expect(answer.headers.get('accept')).toBe('application/json, application/cloudevents+json, application/cloudevents-batch+json');
  });

  it('unsupported content encoding', async () => {
    const answer = await rig.post(event(), { 'content-encoding': 'br' });
    expect([refusal(answer), answer.headers.get('accept-encoding')]).toEqual([UNSUPPORTED, 'gzip, identity']);
  });

  it('wrong method and wrong place', async () => {
    const wrongMethod = await fetch(`${rig.url}/v1/events`);
    expect([wrongMethod.status, wrongMethod.headers.get('allow')]).toEqual([405, 'POST']);
    expect((await fetch(`${rig.url}/v1/event`, { method: 'POST' })).status).toBe(404);
  });
});

describe('too large', () => {
  it('is 413, every time, for a sender that says so and goes on sending', async () => {
    for (let i = 0; i < 20; i += 1) expect(refusal(await rig.post(withData(`"${'x'.repeat(300_000)}"`)))).toEqual(TOO_LARGE);
    for (let i = 0; i < 5; i += 1) expect(refusal(await rig.post(withData(`"${'x'.repeat(3_000_000)}"`)))).toEqual(TOO_LARGE);
  });

  it('is 413 for one byte too many', async () => {
    expect(refusal(await rig.post(withData(`"${'x'.repeat(256 * 1024 - withData('""').length + 1)}"`)))).toEqual(TOO_LARGE);
  });

  it('is answered on the announcement alone, before a byte of it came', async () => {
    expect(await rig.talk(headOf('content-length: 99999999999'))).toMatch(/^HTTP\/1\.1 413 [^]*"code":"payload_too_large"/);
  });

  it('is answered in the middle of a body that has no announced end', async () => {
    const heard = await rig.talk(headOf('transfer-encoding: chunked'), (write) => {
      for (let i = 0; i < 5; i += 1) write(`10000\r\n${'x'.repeat(65_536)}\r\n`);
    });
    expect(heard).toMatch(/^HTTP\/1\.1 413 [^]*"code":"payload_too_large"/);
  });
});
