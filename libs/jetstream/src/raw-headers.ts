import type { HeaderPairs, HeaderReader } from '@spillway/contracts';
import type { Msg, MsgHdrs } from '@nats-io/transport-node';

const START = 'NATS/1.0\r\n';

/**
 * Headers as the wire has them. The client's own MsgHdrs validates and canonicalises each `set` and `append`: 6 µs for a dozen headers either way,
 * where this takes half a microsecond.
 * @throws TypeError when a value would end its line: it could smuggle in another header.
 */
export const encodeHeaders = (pairs: HeaderPairs): Buffer => Buffer.from(headerText(pairs));

/** The same as text. @throws TypeError likewise */
export const headerText = (pairs: HeaderPairs): string => {
  let text = START;
  for (const [name, value] of pairs) {
    if (value.includes('\n') || value.includes('\r')) throw new TypeError(`header ${name} holds a line break`);
    text += `${name}: ${value}\r\n`;
  }
  return `${text}\r\n`;
};

/** Whether they take at most so many bytes on the wire. Hardly ever counted: a character of a text is three bytes of UTF-8 at the most. */
export const headersFit = (pairs: HeaderPairs, bytesMax: number): boolean => {
  let characters = START.length + 2;
  for (const [name, value] of pairs) characters += name.length + value.length + 4;
  return characters * 3 <= bytesMax || START.length + 2 + pairs.reduce((sum, [name, value]) => sum + Buffer.byteLength(name) + Buffer.byteLength(value) + 4, 0) <= bytesMax;
};

/** What `publish` of the client asks of headers is `encode()`, and nothing else. */
export const asMsgHdrs = (encoded: Uint8Array): MsgHdrs => ({ encode: () => encoded }) as unknown as MsgHdrs;

/** Reads a message's headers only when somebody asks, straight from the bytes before its payload. */
export class RawHeaders implements HeaderReader {
  private parsed: Map<string, string> | undefined;

  constructor(private readonly bytes: Buffer) {}

  /** The header block lies right before the payload, in the same buffer; its length is what is left of the message's size. */
  static of(message: Msg): RawHeaders {
    const { data } = message;
    // the client's messages know their whole size; its interface does not name it
    const length = (message as Msg & { size(): number }).size() - message.subject.length - (message.reply?.length ?? 0) - data.length;
    return new RawHeaders(Buffer.from(data.buffer, data.byteOffset - length, length));
  }

  get(name: string): string | undefined {
    this.parsed ??= parse(this.bytes);
    return this.parsed.get(name);
  }

  /** The status of a message that is none: 100, 404, 408, 409, 503; 0 for real ones. */
  get status(): number {
    if (this.bytes.length < 12 || this.bytes[8] !== 0x20) return 0;
    return Number(this.bytes.toString('latin1', 9, 12));
  }

  /** What stands behind the status on its line. */
  get description(): string {
    return this.bytes.toString('utf8', 12, this.bytes.indexOf('\r')).trim();
  }

  entries(): IterableIterator<[string, string]> {
    this.parsed ??= parse(this.bytes);
    return this.parsed.entries();
  }
}

const parse = (bytes: Buffer): Map<string, string> => {
  const headers = new Map<string, string>();
  const text = bytes.toString('utf8');
  let at = text.indexOf('\r\n') + 2;
  while (at > 1) {
    const end = text.indexOf('\r\n', at);
    if (end <= at) break;
    const colon = text.indexOf(':', at);
    if (colon > at && colon < end) headers.set(text.slice(at, colon), text.slice(colon + 1, end).trim());
    at = end + 2;
  }
  return headers;
};
