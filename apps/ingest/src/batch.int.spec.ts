import { testLog } from '@spillway/jetstream/testing';
import { KeyRing, KeyStore } from '@spillway/keys';
import { eventually, RawClient } from '@spillway/testing';
import { subject } from '@spillway/topology';
import { headOf, startRig, type Answer, type Rig } from '../test/rig.ts';

const BATCH = '/v1/events/batch';
const NDJSON = { 'content-type': 'application/x-ndjson' };

let rig: Rig;
beforeAll(async () => {
  rig = await startRig();
});
afterAll(() => rig.stop());

let tenants = 0;
const newTenant = (): string => `t${(tenants += 1)}`;
const event = (tenant: string, fields: Record<string, unknown> = {}): string => JSON.stringify({ tenant, type: 'invoice.paid', data: { a: 1 }, ...fields });
const array = (...events: string[]): string => `[${events.join(',')}]`;
const send = (body: string | Uint8Array, headers: Record<string, string | undefined> = {}): Promise<Answer> => rig.post(body, headers, BATCH);

/** Of each event: its id, or status and code. */
const told = ({ results }: Answer): unknown[] => results.map(({ status, id, problem }) => (status === 202 ? id : [status, problem?.code]));
const whole = ({ status, problem }: Answer): unknown[] => [status, problem.code];

describe('a good batch', () => {
  it.each([
    ['an array', (events: string[]) => array(...events), {}],
    ['an array in white space', (events: string[]) => ` [\n ${events.join(' ,\r\n\t')} ] \n`, {}],
    ['lines', (events: string[]) => events.join('\n'), NDJSON],
    ['lines with empty ones and a last line feed', (events: string[]) => `\n${events.join('\r\n\n')}\r\n`, { 'content-type': 'application/jsonl; charset=utf-8' }],
  ])('as %s is answered 202 with its ids in order, and lies in the stream in order', async (_, written, headers) => {
    const tenant = newTenant();
    const answer = await send(written(Array.from({ length: 25 }, (_event, n) => event(tenant, { data: n, id: `n${n}` }))), headers);
    expect([answer.status, answer.results.length]).toEqual([202, 25]);
    expect(new Set(answer.results.map(({ status }) => status))).toEqual(new Set([202]));
    const stored = await rig.all(tenant);
    expect(stored.map(({ body }) => body.replace(/^.*"data":/, ''))).toEqual(Array.from({ length: 25 }, (_event, n) => `${n}}`));
    expect(stored.map(({ meta }) => meta.eventId)).toEqual(told(answer));
    expect(stored.map(({ meta }) => meta.sourceId)).toEqual(Array.from({ length: 25 }, (_event, n) => `n${n}`));
  });

  it('of a thousand, of several tenants, goes through; of one, too; an empty one is nothing', async () => {
    const [one, other] = [newTenant(), newTenant()];
    const answer = await send(array(...Array.from({ length: 1_000 }, (_, n) => event(n % 2 === 0 ? one : other))));
    expect([answer.status, new Set(told(answer)).size]).toEqual([202, 1_000]);
    expect([(await rig.all(one)).length, (await rig.all(other)).length]).toEqual([500, 500]);
    expect((await send(array(event(one)))).status).toBe(202);
    for (const [body, headers] of [['[ ]', {}], ['', NDJSON], ['\n\n', NDJSON]] as const) expect((await send(body, headers)).body).toBe('{"results":[]}');
  });

  it('gives the same ids when it is sent again, and those of the same events by themselves', async () => {
    const tenant = newTenant();
    const body = array(event(tenant, { id: 'a' }), event(tenant, { id: 'b' }));
    const [first, second] = [await send(body), await send(body)];
    expect(told(second)).toEqual(told(first));
    expect((await rig.post(event(tenant, { id: 'b' }))).id).toBe(told(first)[1]);
  });

  it('may be as large as 4 MiB, sent in pieces without an announced length', async () => {
    const tenant = newTenant();
    const frame = event(tenant, { data: '' }).length + 1;
    const body = array(...Array.from({ length: 16 }, () => event(tenant, { data: 'x'.repeat(2 ** 18 - frame - 1) })));
    expect(body.length).toBeLessThanOrEqual(4 * 2 ** 20);
    expect(body.length).toBeGreaterThan(4 * 2 ** 20 - 64);
    const stream = new ReadableStream({
      start: (to) => {
        for (let at = 0; at < body.length; at += 100_000) to.enqueue(Buffer.from(body.slice(at, at + 100_000)));
        to.close();
      },
    });
    expect((await rig.post(stream, {}, BATCH)).status).toBe(202);
    expect((await rig.all(tenant)).length).toBe(16);
  });
});

it('a batch that takes long to judge keeps nobody waiting for all of it', async () => {
  // 320,000 members that have no business there: some hundred milliseconds of work, and nothing of it waits for the broker
  const bad = `{${Array.from({ length: 20_000 }, (_, n) => `"${n.toString(36)}":0`).join(',')}}`;
  const body = array(...Array.from({ length: 16 }, () => bad));
  const [batch, other] = [new RawClient(rig.url), new RawClient(rig.url)];
  const askHealth = async (): Promise<unknown> => {
    const before = other.statuses.length;
    other.say('GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n');
    return eventually(() => expect(other.statuses.length).toBe(before + 1));
  };
  batch.say(`${headOf(`content-length: ${body.length}`).replace('/v1/events', BATCH)}${body.slice(0, -1)}`);
  await eventually(() => expect(batch.socket.writableLength).toBe(0));
  for (let n = 0; n < 20; n += 1) await askHealth(); // by then all of it but its last byte was read
  const answered: string[] = [];
  batch.socket.once('data', () => answered.push('batch'));
  other.socket.once('data', () => answered.push('health'));
  batch.say(body.slice(-1));
  await askHealth();
  await eventually(() => expect(batch.statuses).toEqual([207]));
  expect(answered).toEqual(['health', 'batch']);
  for (const { socket } of [batch, other]) socket.destroy();
});

describe('a batch in which something is wrong', () => {
  it('says of each event what became of it, and stores the others', async () => {
    const tenant = newTenant();
    const answer = await send(array(event(tenant), '{}', event(tenant, { data: 'x'.repeat(2 ** 18) }), event(tenant, { id: '' }), '7', `{"tenant":"${tenant}","type":"a","data":${'['.repeat(600)}${']'.repeat(600)}}`, event(tenant, { id: 'last' })));
    const id = expect.stringMatching(/^evt_[\w-]{22}$/);
    expect([answer.status, told(answer)]).toEqual([207, [id, [422, 'invalid_event'], [413, 'payload_too_large'], [422, 'invalid_event'], [422, 'invalid_event'], [422, 'invalid_event'], id]]);
    expect(answer.results[1]).toMatchObject({ status: 422, problem: { type: 'about:blank', title: 'Unprocessable Entity', status: 422, errors: expect.arrayContaining([{ field: 'data', wanted: 'any JSON value' }]) } });
    expect(answer.results[2]?.problem).toMatchObject({ maxBytes: 262_144 });
    expect((await rig.all(tenant)).length).toBe(2);
    expect(answer.headers.get('content-type')).toBe('application/json; charset=utf-8');
  });

  it('is refused whole when the array cannot be read, and nothing of it is stored', async () => {
    const tenant = newTenant();
    const good = event(tenant);
    const before = await rig.count();
    for (const body of [`[${good}`, `[${good},]`, `[${good} ${good}]`, `[${good}]${good}`, `[${good},{"a":}]`, `[${good}}`, '', 'x', `[${good},"\\`, Buffer.from(`[${good},"\xff"]`, 'latin1')]) expect([body, ...whole(await send(body))]).toEqual([body, 400, 'malformed_json']);
    expect(whole(await send(good))).toEqual([422, 'invalid_event']);
    expect(await rig.count()).toBe(before);
  });

  it('loses only the lines that cannot be read', async () => {
    const tenant = newTenant();
    const lines = Buffer.concat([Buffer.from(`${event(tenant)}\n{"tenant":\n`), Buffer.from('{"tenant":"\xff"}\n', 'latin1'), Buffer.from(`"open\n${event(tenant)}`)]);
    const answer = await send(lines, NDJSON);
    expect([answer.status, told(answer)]).toEqual([207, [expect.any(String), [400, 'malformed_json'], [400, 'malformed_json'], [400, 'malformed_json'], expect.any(String)]]);
    expect((await rig.all(tenant)).length).toBe(2);
  });

  it('is refused whole when it holds more than 1000 events, or more than 4 MiB', async () => {
    const before = await rig.count();
    const many = await send(array(...Array.from({ length: 1_001 }, () => event('acme'))));
    expect([...whole(many), many.problem['maxEvents']]).toEqual([413, 'payload_too_large', 1_000]);
    expect(whole(await send(`${event('acme')}\n`.repeat(1_001), NDJSON))).toEqual([413, 'payload_too_large']);
    const large = await send(' '.repeat(4 * 2 ** 20 + 1));
    expect([...whole(large), large.problem['maxBytes']]).toEqual([413, 'payload_too_large', 4_194_304]);
    expect(await rig.count()).toBe(before);
  });

  it('is refused whole with an Idempotency-Key: after a 207 its events would have other places', async () => {
    const answer = await send(array(event('acme')), { 'idempotency-key': 'k' });
    expect(whole(answer)).toEqual([422, 'invalid_event']);
    expect(answer.problem.errors).toEqual([{ field: 'Idempotency-Key', wanted: 'none on a batch: the key of each event is its own id', seen: '"k"' }]);
  });

  it('is refused whole in another media type', async () => {
    const answer = await send('a=b', { 'content-type': 'application/x-www-form-urlencoded' });
    expect([...whole(answer), answer.headers.get('accept')]).toEqual([415, 'unsupported_media_type', expect.stringContaining('application/json, application/x-ndjson')]);
  });
});

const made = async (fields: { tenant?: string; ratePerSecond?: number }): Promise<Record<string, string>> => {
  const ring = await KeyRing.open(await rig.plane.connect(), { log: testLog });
  await ring.bucket.whenReady();
  const { text } = await new KeyStore(ring.bucket).create({ scopes: ['events:write'], ...fields }, 'test');
  ring.close();
  return { authorization: `Bearer ${text}` };
};

describe('a key', () => {
  it('of one tenant is refused the events of others, and no more', async () => {
    const tenant = newTenant();
    const key = await made({ tenant });
    const answer = await eventually(async () => {
      const sent = await send(array(event(tenant), event('somebody-else'), event('_system'), event(tenant)), key);
      expect(sent.status).toBe(207);
      return sent;
    });
    expect(told(answer)).toEqual([expect.any(String), [403, 'wrong_tenant'], [403, 'wrong_tenant'], expect.any(String)]);
  });

  it('with a rate sends as many events of a batch as it may, the first of them', async () => {
    const key = await made({ ratePerSecond: 5 });
    const answer = await eventually(async () => {
      const sent = await send(array(...Array.from({ length: 20 }, () => event(newTenant()))), key);
      expect(sent.status).toBe(207);
      return sent;
    });
    expect(answer.results.map(({ status }) => status)).toEqual([...Array.from({ length: 5 }, () => 202), ...Array.from({ length: 15 }, () => 429)]);
    expect(answer.results[19]).toMatchObject({ retryAfterSeconds: expect.any(Number), problem: { code: 'rate_limited', 'violated-policies': ['key'] } });
    expect([answer.headers.get('ratelimit-policy'), Number(answer.headers.get('retry-after')) >= 1]).toEqual(['"key";q=5;w=1', true]);
    expect(whole(await send(array(event('acme')), key))).toEqual([429, 'rate_limited']);
  });
});

describe('what is full', () => {
  it('of one tenant is told to its events, and the others of the batch are stored', async () => {
    const full = await startRig({ limits: { maxMessagesPerSubject: { WEBHOOK_INGEST: 5 } } });
    try {
      const answer = await full.post(array(...Array.from({ length: 20 }, (_, n) => event(n % 2 === 0 ? 'greedy' : `other${n}`))), {}, BATCH);
      expect(answer.status).toBe(207);
      expect(answer.results.filter((_, n) => n % 2 === 1).map(({ status }) => status)).toEqual(Array.from({ length: 10 }, () => 202));
      expect(answer.results.filter((_, n) => n % 2 === 0).map(({ status, problem }) => [status, problem?.code, problem?.['quota']])).toEqual([
        ...Array.from({ length: 5 }, () => [202, undefined, undefined]),
        ...Array.from({ length: 5 }, () => [429, 'tenant_quota', 'messages_waiting']),
      ]);
      expect(answer.results[18]?.retryAfterSeconds).toBe(5);
    } finally {
      await full.stop();
    }
  });

  it('stream: 503 for each event that found no room, and nothing else is lost', async () => {
    const full = await startRig({ limits: { maxBytes: { WEBHOOK_INGEST: 2 ** 20 } } });
    try {
      const body = array(...Array.from({ length: 12 }, (_, n) => event(`t${n}`, { data: 'x'.repeat(100_000) })));
      const answers = [await full.post(body, {}, BATCH), await full.post(body, {}, BATCH)];
      const statuses = answers.flatMap(({ results }) => results.map(({ status, problem }) => `${status} ${problem?.code ?? ''}`));
      expect(new Set(statuses)).toContain('503 ingest_full');
      expect(new Set([...statuses, '202 '])).toEqual(new Set(['202 ', '503 ingest_full']));
      expect(await full.count()).toBe(statuses.filter((status) => status === '202 ').length);
      await full.plane.broker.api('STREAM.PURGE.WEBHOOK_INGEST', { filter: subject.ingest('fresh', 't0'), seq: 100 });
    } finally {
      await full.stop();
    }
  });

  it('memory: a batch takes a place for each of its events', async () => {
    const small = await startRig({ env: { SPILLWAY_MAX_EVENTS_IN_FLIGHT: '2000', SPILLWAY_ACCEPT_DEADLINE_MS: '4000' } });
    try {
      const body = (tenant: string): string => array(...Array.from({ length: 600 }, () => event(tenant)));
      expect((await small.post(body('warm'), {}, BATCH)).status).toBe(202);
      small.plane.server.freeze();
      const answers = Promise.all([1, 2, 3, 4, 5, 6].map((n) => small.post(body(`t${n}`), {}, BATCH)));
      const refused = (await answers).filter(({ results }) => results === undefined).map(whole);
      expect(refused).toEqual([[503, 'ingest_full'], [503, 'ingest_full'], [503, 'ingest_full']]);
      const held = (await answers).filter(({ results }) => results !== undefined);
      expect(new Set(held.flatMap(({ results }) => results.map(({ status }) => status)))).toEqual(new Set([503]));
      small.plane.server.thaw();
      await eventually(async () => expect((await small.post(body('after'), {}, BATCH)).status).toBe(202));
    } finally {
      small.plane.server.thaw();
      await small.stop();
    }
  });
});

it('is measured by its own route, and its headers carry the trace of each event', async () => {
  const tenant = newTenant();
  await send(array(event(tenant), event(tenant)));
  const metrics = await (await fetch(`${rig.url}/metrics`)).text();
  expect(metrics).toMatch(/http_server_request_duration_seconds_count\{[^}]*http_route="\/v1\/events\/batch"/);
  expect(new Set((await rig.all(tenant)).map(({ meta }) => meta.traceparent)).size).toBe(2);
});
