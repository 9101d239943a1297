import 'reflect-metadata';
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { header, type DeliveryMeta, type Fact, type FactOf } from '@spillway/contracts';
import type { EndpointDraft } from '@spillway/endpoints';
import { eventually, type Answer } from '@spillway/testing';
import { Rig } from '../test/rig.ts';

const DAY_S = 86_400;
const servers: Server[] = [];
let rig: Rig;
beforeAll(async () => {
  rig = await Rig.start();
  await rig.startDispatcher();
}, 60_000);
afterAll(async () => {
  for (const server of servers) server.close();
  await rig.stop();
}, 60_000);

/** One that speaks no HTTP, or breaks off: told when the request has come. */
const rawAt = async (asked: (socket: Socket) => unknown): Promise<string> => {
  const server = createServer((socket) => socket.on('error', () => undefined).once('data', () => asked(socket)));
  servers.push(server);
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
};
const answering = async (answer: Answer): Promise<string> => (await rig.receiver(() => answer)).url;
const nobodyAt = async (): Promise<string> => {
  const receiver = await rig.receiver();
  const { url } = receiver;
  await receiver.stop();
  return url;
};

/** What the ledger has to say once the attempt is settled. */
const toldOf = (meta: DeliveryMeta, count: number): Promise<Fact[]> =>
  eventually(async () => {
    const facts = await rig.factsOf(meta);
    if (facts.length < count) throw new Error(`${facts.length} facts`);
    return facts;
  });
const lettersOf = async (stream: string, { eventId }: DeliveryMeta) => (await rig.everythingIn(stream)).filter(({ headers }) => headers.get(header.eventId) === eventId);
const settled = (): Promise<void> => eventually(async () => expect(await rig.left('WEBHOOK_DELIVERY')).toBe(0));

it.each<{ row: string; url: () => Promise<string>; flagged?: string }>([
  { row: '2xx', url: () => answering(204) },
  { row: '2xx, by the status line alone', url: () => rawAt((socket) => socket.end('HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhalf')), flagged: 'body_incomplete' },
])('$row: delivered', async ({ url, flagged }) => {
  const meta = await rig.owe(await rig.endpoint(await url()), 'fresh');
  const [fact, ...more] = await toldOf(meta, 1);
  expect([fact, more]).toMatchObject([{ type: 'attempt.succeeded', attempt: 1 }, []]);
  expect((fact as FactOf<'attempt.succeeded'>).flagged).toBe(flagged);
  await settled();
});

it.each<{ row: string; url: () => Promise<string>; kind: string; status?: number }>([
  { row: '3xx', url: () => answering({ status: 302, headers: { location: 'http://127.0.0.1:1/' } }), kind: 'redirect_not_followed', status: 302 },
  { row: '408', url: () => answering(408), kind: 'status', status: 408 },
  { row: '425', url: () => answering(425), kind: 'status', status: 425 },
  { row: '429 without Retry-After', url: () => answering(429), kind: 'status', status: 429 },
  { row: '500', url: () => answering(500), kind: 'status', status: 500 },
  { row: '503 without Retry-After', url: () => answering(503), kind: 'status', status: 503 },
  { row: 'another 4xx', url: () => answering(404), kind: 'status', status: 404 },
  { row: 'a timeout', url: async () => (await rig.receiver(() => undefined)).url, kind: 'timeout' },
  { row: 'nobody there', url: nobodyAt, kind: 'refused' },
  { row: 'a reset', url: () => rawAt((socket) => socket.resetAndDestroy()), kind: 'reset' },
  { row: 'a failure of TLS', url: async () => (await answering(200)).replace('http:', 'https:'), kind: 'tls_error' },
  { row: 'an answer that is not HTTP', url: () => rawAt((socket) => socket.end('SSH-2.0-OpenSSH\r\n')), kind: 'protocol_error' },
])('$row: retried by the schedule', async ({ url, kind, status }) => {
  const meta = await rig.owe(await rig.endpoint(await url(), { schedule: [60], timeoutSeconds: kind === 'timeout' ? 1 : 60 }), 'fresh');
  const [fact, ...more] = await toldOf(meta, 1);
  expect([fact, more]).toMatchObject([{ type: 'attempt.failed', attempt: 1, kind, next: 'retry' }, []]);
  const { at, nextAt, status: told } = fact as FactOf<'attempt.failed'>;
  const waitMs = Date.parse(nextAt ?? '') - Date.parse(at);
  expect([told, waitMs >= 60_000 && waitMs <= 74_000]).toEqual([status, true]); // a fifth longer at most, and up to its bucket
  await settled();
  expect((await lettersOf('WEBHOOK_RETRY', meta)).map(({ headers }) => headers.get(header.attempt))).toEqual(['2']);
});

it.each<[row: string, status: number, retryAfter: string, waitS: number]>([
  ['429 with a Retry-After that is longer than the schedule', 429, '120', 120],
  ['503 with a Retry-After that is longer than the schedule', 503, '120', 120],
  ['503 with a Retry-After that is shorter than the schedule', 503, '1', 60],
  ['503 with a Retry-After of 1e9', 503, '1000000000', DAY_S],
  ['503 with a Retry-After that is negative', 503, '-5', 60],
  ['503 with a Retry-After that has passed', 503, 'Thu, 01 Jan 1970 00:00:00 GMT', 60],
  ['503 with a Retry-After of garbage', 503, 'soon', 60],
])('%s: the longer of the two, a day at most', async (_, status, retryAfter, waitS) => {
  const meta = await rig.owe(await rig.endpoint(await answering({ status, headers: { 'retry-after': retryAfter } }), { schedule: [60] }), 'fresh');
  const [fact] = await toldOf(meta, 1);
  expect(fact).toMatchObject({ type: 'attempt.failed', status, next: 'retry' });
  const { at, nextAt } = fact as FactOf<'attempt.failed'>;
  const longerS = (Date.parse(nextAt ?? '') - Date.parse(at)) / 1_000 - waitS;
  expect([longerS >= 0, longerS <= Math.max(14, waitS === DAY_S ? 60 : 0)]).toEqual([true, true]);
});

it('429 or 503 with Retry-After: the whole endpoint waits', async () => {
  const receiver = await rig.receiver(() => ({ status: 503, headers: { 'retry-after': '120' } }));
  const endpoint = await rig.endpoint(receiver.url);
  await toldOf(await rig.owe(endpoint, 'fresh'), 1);
  const next = await rig.owe(endpoint, 'fresh');
  await eventually(async () => expect(await lettersOf('WEBHOOK_PARKED', next)).toHaveLength(1));
  await settled();
  expect(receiver.requests).toHaveLength(1);
});

const dies = async (url: string, draft: Partial<EndpointDraft> = {}): Promise<{ meta: DeliveryMeta; facts: Fact[]; id: string }> => {
  const endpoint = await rig.endpoint(url, draft);
  const meta = await rig.owe(endpoint, 'fresh');
  const facts = await toldOf(meta, 2);
  await settled();
  return { meta, facts, id: endpoint.id };
};

it('410: the endpoint is disabled, and the delivery is dead', async () => {
  const { meta, facts, id } = await dies(await answering(410));
  expect(facts).toMatchObject([{ type: 'attempt.failed', status: 410, next: 'dead' }, { type: 'delivery.dead', reason: 'gone', by: 'endpoint', kept: true }]);
  expect((await lettersOf('WEBHOOK_DEAD', meta)).map(({ headers }) => headers.get(header.reason))).toEqual(['gone']);
  await eventually(() => expect(rig.registry.get(id)).toMatchObject({ enabled: false, disabledReason: 'gone' }));
});

it('ssrf_blocked: dead at once, nothing is dialled, and the endpoint is flagged', async () => {
  const { meta, facts, id } = await dies('https://10.0.0.1/');
  expect(facts).toMatchObject([{ type: 'attempt.failed', kind: 'ssrf_blocked', next: 'dead' }, { type: 'delivery.dead', reason: 'ssrf_blocked', by: 'endpoint' }]);
  expect(JSON.stringify(facts)).not.toContain('10.0.0.1');
  expect((await lettersOf('WEBHOOK_DEAD', meta)).map(({ headers }) => headers.get(header.reason))).toEqual(['ssrf_blocked']);
  await eventually(() => expect(rig.registry.get(id)).toMatchObject({ enabled: true, flagged: 'ssrf_blocked' }));
});

it('no attempt left in the schedule: dead, exhausted', async () => {
  const { meta, facts } = await dies(await answering(500), { schedule: [] });
  expect(facts).toMatchObject([{ type: 'attempt.failed', status: 500, next: 'dead' }, { type: 'delivery.dead', reason: 'exhausted', by: 'endpoint' }]);
  expect((await lettersOf('WEBHOOK_DEAD', meta)).map(({ headers }) => headers.get(header.reason))).toEqual(['exhausted']);
});

it('too old: expired, without an attempt', async () => {
  const receiver = await rig.receiver();
  const meta = await rig.owe(await rig.endpoint(receiver.url), 'fresh', { acceptedAt: new Date(Date.now() - 8 * DAY_S * 1_000).toISOString() });
  expect(await toldOf(meta, 1)).toMatchObject([{ type: 'delivery.expired', reason: 'too_old' }]);
  await settled();
  expect(receiver.requests).toEqual([]);
});

it('too old by the time of its next attempt: expired after this one', async () => {
  const meta = await rig.owe(await rig.endpoint(await answering(500), { schedule: [DAY_S] }), 'fresh', { acceptedAt: new Date(Date.now() - 6.5 * DAY_S * 1_000).toISOString() });
  expect(await toldOf(meta, 2)).toMatchObject([{ type: 'attempt.failed', next: 'expired' }, { type: 'delivery.expired', reason: 'too_old' }]);
  await settled();
});

it('many endpoints that fail alike at once: the fault is ours, nobody is charged or disabled, and it is said', async () => {
  const own = await Rig.start();
  try {
    await own.startDispatcher();
    const url = await nobodyAt();
    const endpoints = await Promise.all(Array.from({ length: 40 }, () => own.endpoint(url)));
    const owed: DeliveryMeta[] = [];
    for (const endpoint of endpoints) owed.push(await own.owe(endpoint, 'fresh'));
    // the first nineteen were theirs yet; the others are tried again from where they are parked, until their circuits open
    await eventually(async () => expect([await own.left('WEBHOOK_DELIVERY'), await own.left('WEBHOOK_PARKED'), await own.left('WEBHOOK_RETRY')]).toEqual([0, 21, 19]));
    expect(new Set((await own.everythingIn('WEBHOOK_PARKED')).map(({ headers }) => headers.get(header.attempt)))).toEqual(new Set(['1']));
    expect(endpoints.filter(({ id }) => own.registry.get(id)?.enabled !== true)).toEqual([]);
    await eventually(async () => expect((await own.facts()).filter(({ type }) => type === 'attempts.uncharged')).toMatchObject([{ tenant: '_system', app: 'dispatcher', kind: 'refused' }]));
  } finally {
    await own.stop();
  }
}, 60_000);
