import { gzipSync } from 'node:zlib';

/** A request as data, until it is written. */
export type Draft = { method: string; path: string; headers: [string, string][]; body: Buffer };

const TENANTS = ['acme', 'b', 'c-3', 'D_4'];
const TYPES = ['invoice.paid', 'a', 'user.created.v2'];
const DATA = ['1', 'null', '"text"', '{"a":[1,2,{"b":null}],"n":12345678901234567890,"e":1e400}', `{"pad":"${'x'.repeat(900)}"}`, '{"__proto__":{"a":1},"ü":"\\ud83d\\ude00"}', '[]', '{"data":{"data":[[[]]]}}'];

/** One of them, by a number from 0 to 1. */
export const pick = <T>(from: readonly T[], at: number): T => from[Math.floor(at * from.length)] as T;

type Random = () => number;

const event = (random: Random): string => {
  const id = random() < 0.5 ? '' : `,"id":"id-${Math.floor(random() * 1e9)}"`;
  const time = random() < 0.7 ? '' : ',"time":"2026-11-22T10:00:00.123Z"';
  return `{"tenant":"${pick(TENANTS, random())}","type":"${pick(TYPES, random())}","data":${pick(DATA, random())}${id}${time}}`;
};

const cloudEvent = (random: Random): string =>
  `{"specversion":"1.0","id":"ce-${Math.floor(random() * 1e9)}","source":"/fuzz","type":"${pick(TYPES, random())}","tenant":"${pick(TENANTS, random())}","datacontenttype":"application/json","data":${pick(DATA, random())}}`;

const many = (one: (random: Random) => string, random: Random): string[] => Array.from({ length: 1 + Math.floor(random() * 8) }, () => one(random));

const post = (path: string, type: string, body: string, headers: [string, string][] = []): Draft => ({ method: 'POST', path, headers: [['content-type', type], ...headers], body: Buffer.from(body) });

const packed = (draft: Draft): Draft => ({ ...draft, headers: [...draft.headers, ['content-encoding', 'gzip']], body: gzipSync(draft.body) });

const ceHeaders = (random: Random): [string, string][] => [
  ['ce-specversion', '1.0'],
  ['ce-id', `ce-${Math.floor(random() * 1e9)}`],
  ['ce-source', '/fuzz'],
  ['ce-type', pick(TYPES, random())],
  ['ce-tenant', pick(TENANTS, random())],
];

/** What honest producers send, in every form there is. */
const KINDS: readonly ((random: Random) => Draft)[] = [
  (random) => post('/v1/events', 'application/json', event(random)),
  (random) => post('/v1/events', 'application/json; charset=utf-8', event(random), [['idempotency-key', `key-${Math.floor(random() * 1e9)}`]]),
  (random) => post('/v1/events/batch', 'application/json', `[${many(event, random).join(',')}]`),
  (random) => post('/v1/events/batch', 'application/x-ndjson', many(event, random).join('\n')),
  (random) => post('/v1/events', 'application/cloudevents+json', cloudEvent(random)),
  (random) => post('/v1/events', 'application/cloudevents-batch+json', `[${many(cloudEvent, random).join(',')}]`),
  (random) => post('/v1/events', 'application/json', pick(DATA, random()), ceHeaders(random)),
  (random) => packed(post('/v1/events', 'application/json', event(random))),
  (random) => packed(post('/v1/events/batch', 'application/json', `[${many(event, random).join(',')}]`)),
  (random) => ({ method: 'GET', path: pick(['/healthz', '/openapi.json', '/nowhere', '/v1/events'], random()), headers: [], body: Buffer.alloc(0) }),
];

export const valid = (random: Random, key: string): Draft => {
  const draft = pick(KINDS, random())(random);
  return { ...draft, headers: [['host', 'fuzz'], ['authorization', `Bearer ${key}`], ...draft.headers] };
};
