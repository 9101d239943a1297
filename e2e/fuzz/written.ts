import { pick, type Draft } from './corpus.ts';

type Random = () => number;

/** A request as bytes, and what may be said to it. */
export type Written = {
  bytes: Buffer;
  /** How many answers it has, when all is well; fewer when the connection is closed on it. */
  answers: number;
  /** Whether the connection can be used again behind it. */
  isWhole: boolean;
  method: string;
  path: string;
};

const CRLF = '\r\n';

const headOf = ({ method, path, headers }: Draft, extra: readonly [string, string][], end = CRLF, version = 'HTTP/1.1'): Buffer =>
  Buffer.from([`${method} ${path} ${version}`, ...[...headers, ...extra].map(([name, value]) => `${name}: ${value}`), '', ''].join(end), 'latin1');

const chunks = (body: Buffer, random: Random): Buffer[] => {
  const pieces: Buffer[] = [];
  for (let at = 0; at < body.length; ) {
    const size = 1 + Math.floor(random() * Math.min(body.length, 400_000));
    const piece = body.subarray(at, at + size);
    pieces.push(Buffer.from(`${piece.length.toString(16)}${CRLF}`), piece, Buffer.from(CRLF));
    at += size;
  }
  return [...pieces, Buffer.from(`0${CRLF}${CRLF}`)];
};

const length = (bytes: number): [string, string][] => [['content-length', String(bytes)]];

const whole = (draft: Draft, ...bytes: Buffer[]): Written => ({ bytes: Buffer.concat(bytes), answers: 1, isWhole: true, method: draft.method, path: draft.path });
const broken = (draft: Draft, ...bytes: Buffer[]): Written => ({ ...whole(draft, ...bytes), isWhole: false });

const close: [string, string][] = [['connection', 'close']];

/** HTTP that is none, or lies about itself. */
const BROKEN: readonly ((draft: Draft, random: Random) => Written)[] = [
  (draft) => broken(draft, headOf(draft, [...length(draft.body.length + 10), ...close]), draft.body), // ends too early: 408
  (draft) => broken(draft, headOf(draft, [...length(Math.max(0, draft.body.length - 3)), ...close]), draft.body),
  (draft) => broken(draft, headOf(draft, [...length(draft.body.length), ['transfer-encoding', 'chunked'], ...close]), draft.body),
  (draft) => broken(draft, headOf(draft, [...length(draft.body.length), ...length(draft.body.length + 1)]), draft.body),
  (draft, random) => broken(draft, headOf(draft, [['content-length', pick(['-1', '0x10', '1e3', '99999999999999999999', 'a', '1, 1'], random())], ...close]), draft.body),
  (draft, random) => broken(draft, headOf(draft, [['transfer-encoding', pick(['chunked, chunked', 'gzip', 'identity', 'xchunked'], random())], ...close]), draft.body),
  (draft) => broken(draft, headOf(draft, [['transfer-encoding', 'chunked'], ...close]), Buffer.from('zz\r\n'), draft.body),
  (draft) => broken(draft, headOf(draft, [...length(draft.body.length), ...close], '\n'), draft.body),
  (draft, random) => broken(draft, headOf(draft, [...length(draft.body.length), ...close], CRLF, pick(['HTTP/1.0', 'HTTP/2.0', 'HTTP/9.9', 'HTTQ/1.1', ''], random())), draft.body),
  (draft) => broken(draft, headOf(draft, [['a\u0000b', 'x'], ...length(draft.body.length), ...close]), draft.body),
  (draft) => broken(draft, headOf(draft, [[' folded', 'x'], ...length(draft.body.length), ...close]), draft.body),
  (draft) => broken(draft, headOf(draft, [['x', 'y'.repeat(20_000)], ...length(draft.body.length), ...close]), draft.body),
  (draft, random) => broken(draft, Buffer.from(Array.from({ length: 1 + Math.floor(random() * 200) }, () => Math.floor(random() * 256))), Buffer.from('\r\n\r\n')),
  (draft) => broken(draft, Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n')),
  (draft) => broken(draft, headOf(draft, [...length(draft.body.length), ...close]).subarray(0, 60)), // no end of the head: 408
];

/** How it goes over the wire: with its length, in chunks, twice at once, or broken. */
export const written = (draft: Draft, random: Random): Written => {
  const at = random();
  const plain = (): Buffer[] => [headOf(draft, length(draft.body.length)), draft.body];
  if (at < 0.7) return whole(draft, ...plain());
  if (at < 0.82) return whole(draft, headOf(draft, [['transfer-encoding', 'chunked']]), ...chunks(draft.body, random));
  if (at < 0.87) return { ...whole(draft, ...plain(), ...plain()), answers: 2 };
  const { body } = draft;
  return pick(BROKEN, random())(body.length > 10_000 ? { ...draft, body: body.subarray(0, 10_000) } : draft, random);
};
