import { gzipSync } from 'node:zlib';
import { pick, type Draft } from './corpus.ts';

type Random = () => number;
type Mutation = (draft: Draft, random: Random) => Draft;

const upTo = (random: Random, most: number): number => Math.floor(random() * most);

/** What breaks parsers. */
const TOKENS = [
  '"__proto__":{},', '{', '}', '[', ']', ',', ':', '"', '\\', '\\u0000', '\\ud800', '\u0000', '\ufeff', '\u2028', 'null', 'NaN', '-0', '1e999', '0x10', 'true', '\r\n', '\n', '  ', '/*', '<a/>', '[['.repeat(300),
  '"tenant":"_system",', '"tenant":"a.b",', '"type":"*",', '"type":"a..b",', '"id":"",', '"id":null,', '"time":"yesterday",', '"more":1,', '"data":', 'd\\u0061ta',
].map((text) => Buffer.from(text));
const BYTES = [Buffer.from([0xff]), Buffer.from([0xc3, 0x28]), Buffer.from([0xed, 0xa0, 0x80]), Buffer.from([0x00])];

const BODIES: readonly Mutation[] = [
  (draft, random) => splice(draft, upTo(random, draft.body.length), 1 + upTo(random, 20), Buffer.alloc(0)),
  (draft, random) => splice(draft, upTo(random, draft.body.length + 1), 0, pick(TOKENS, random())),
  (draft, random) => splice(draft, upTo(random, draft.body.length + 1), upTo(random, 3), pick(BYTES, random())),
  (draft, random) => {
    const [from, length] = [upTo(random, draft.body.length), upTo(random, 50)];
    return splice(draft, upTo(random, draft.body.length + 1), 0, draft.body.subarray(from, from + length));
  },
  (draft, random) => ({ ...draft, body: draft.body.subarray(0, upTo(random, draft.body.length)) }),
  (draft, random) => ({ ...draft, body: Buffer.from(pick(['', '{}', '[]', 'null', '"a"', '7', '[[[]]]', '{"a":1}\n{"b":2}\n', '\n\n\n', '[,]', '[{}]'], random())) }),
  (draft, random) => {
    const body = Buffer.from(draft.body);
    for (let n = 0; n < 3 && body.length > 0; n += 1) body[upTo(random, body.length)] = upTo(random, 256);
    return { ...draft, body };
  },
];

/** 20 kB that are 20 MB. */
const BOMB = gzipSync(Buffer.alloc(20_000_000, 0x20));

const LARGE: readonly Mutation[] = [
  (draft) => ({ ...draft, body: Buffer.concat([draft.body, Buffer.alloc(300_000, 0x20)]) }),
  (draft) => ({ ...draft, body: Buffer.from(`{"tenant":"acme","type":"a","data":${'['.repeat(100_000)}`) }),
  (draft) => ({ ...draft, headers: replaced(draft, 'content-encoding', 'gzip'), body: BOMB }),
  (draft) => ({ ...draft, path: '/v1/events/batch', body: Buffer.from(`[${'{},'.repeat(1_500)}{}]`) }),
  (draft) => ({ ...draft, path: '/v1/events/batch', body: Buffer.from(`[${'{"tenant":"acme","type":"a","data":1},'.repeat(999)}{"tenant":"acme","type":"a","data":1}]`) }),
];

const VALUES = ['', ' ', ',', 'x', '-1', '0', 'chunked', 'gzip', 'GZIP', 'br', 'gzip, gzip', 'identity', 'Bearer', 'Bearer x', 'Basic eDp4', 'application/json', 'application/json; charset=latin1', 'application/cloudevents+json', 'application/cloudevents-batch+json', 'application/x-ndjson', 'text/plain', 'application/json;;;', 'ü', '\u00ff\u00fe', 'y'.repeat(300), 'y'.repeat(5_000), '1.0', '0.3', '100-continue', 'miracles', 'websocket', '%00', '../..', '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'];
const NAMES = ['authorization', 'content-type', 'content-encoding', 'idempotency-key', 'accept', 'accept-encoding', 'expect', 'upgrade', 'connection', 'traceparent', 'ce-id', 'ce-type', 'ce-source', 'ce-specversion', 'ce-time', 'ce-tenant', 'ce-datacontenttype', 'ce-data', '__proto__', 'constructor', 'x-forwarded-for', 'host', 'te', 'trailer', 'range', 'cookie'];

const HEADERS: readonly Mutation[] = [
  (draft, random) => ({ ...draft, headers: draft.headers.toSpliced(upTo(random, draft.headers.length), 1) }),
  (draft, random) => ({ ...draft, headers: [...draft.headers, pick(draft.headers, random()) ?? ['a', 'b']] }),
  (draft, random) => {
    const at = upTo(random, draft.headers.length);
    const [name = 'a'] = draft.headers[at] ?? [];
    return { ...draft, headers: draft.headers.toSpliced(at, 1, [name, pick(VALUES, random())]) };
  },
  (draft, random) => ({ ...draft, headers: [...draft.headers, [pick(NAMES, random()), pick(VALUES, random())]] }),
  (draft, random) => ({ ...draft, headers: [...draft.headers, ...Array.from({ length: upTo(random, 150) }, (_, n): [string, string] => [`x-${n}`, '1'])] }),
  (draft, random) => ({ ...draft, headers: draft.headers.map(([name, value]): [string, string] => (random() < 0.3 ? [name.toUpperCase(), value] : [name, value])) }),
];

const METHODS = ['GET', 'PUT', 'DELETE', 'PATCH', 'HEAD', 'OPTIONS', 'TRACE', 'POST', 'QUERY', 'M-SEARCH', 'post', 'FOO', 'CONNECT'];
const PATHS = ['/', '//', '/v1', '/v1/events/', '//v1/events', '/V1/events', '/v1/events?a=1', '/v1/events?', '/v1/%65vents', '/v1/events%2Fbatch', '/%zz', '/v1/events/batch/1', '/v1/events/batch?x', '/v1/../v1/events', '/v1/events#a', '*', 'http://fuzz/v1/events', '/healthz', '/readyz', '/metrics', '/openapi.json', '/__proto__', `/${'a'.repeat(3_000)}`, '/v1/events;a=1', '/v1/events\u00ff'];

const LINES: readonly Mutation[] = [(draft, random) => ({ ...draft, method: pick(METHODS, random()) }), (draft, random) => ({ ...draft, path: pick(PATHS, random()) })];

const splice = (draft: Draft, at: number, remove: number, insert: Buffer): Draft => ({ ...draft, body: Buffer.concat([draft.body.subarray(0, at), insert, draft.body.subarray(at + remove)]) });
const replaced = (draft: Draft, name: string, value: string): [string, string][] => [...draft.headers.filter(([other]) => other !== name), [name, value]];

/** Up to three changes, most of them to the body; one request in fifty is large. */
export const mutated = (draft: Draft, random: Random): Draft => {
  let now = draft;
  for (let left = upTo(random, 4); left > 0; left -= 1) {
    const at = random();
    const kind = at < 0.5 ? BODIES : at < 0.8 ? HEADERS : at < 0.98 ? LINES : LARGE;
    now = pick(kind, random())(now, random);
  }
  return now;
};
