import { header, type HeaderPairs } from '@spillway/contracts';
import { RawHeaders } from './raw-headers.ts';

/** A message as it goes onto a page: its headers as the wire has them, how many bytes they are, and its body. */
export type Line = { headers: string; headerBytes: number; data: Uint8Array };
/** One of a page's messages, as it was before. Both lie in the page's own bytes. */
export type PageLine = { headers: RawHeaders; data: Uint8Array };

/** As many as a batch of the server's may have; places are three digits wherever they are printed. */
export const PAGE_MAX = 1_000;

const [LF, SPACE, ZERO, NINE] = [0x0a, 0x20, 0x30, 0x39];

export const pageHeaders = (count: number): HeaderPairs => [[header.page, String(count)]];

/** `<bytes of headers> <bytes of body>`, the headers, the body, line by line: whoever reads the message by hand can read it. */
export const encodePage = (lines: readonly Line[]): Buffer => {
  // into one buffer: with one for each part, joined, a page of 100 costs its writer twice as much
  const page = Buffer.allocUnsafe(lines.reduce((sum, line) => sum + lineBytesMax(line), 0));
  let at = 0;
  for (const { headers, headerBytes, data } of lines) {
    at += page.write(`${headerBytes} ${data.length}\n${headers}`, at);
    page.set(data, at);
    at += data.length;
    page[at++] = LF;
  }
  return page.subarray(0, at);
};

/** The two lengths have seven digits at most. */
export const lineBytesMax = ({ headerBytes, data }: Omit<Line, 'headers'>): number => headerBytes + data.length + 17;

/** How many messages it says to hold; `undefined`: it is a message by itself. */
export const linesSaid = (headers: { get(name: string): string | undefined }): number | undefined => {
  const said = headers.get(header.page);
  return said === undefined ? undefined : Number(said);
};

/** In their order; `undefined` when it is not what it says: it was written, or changed, by somebody else. */
export const readPage = (count: number, { buffer, byteOffset, byteLength }: Uint8Array): PageLine[] | undefined => {
  const bytes = Buffer.from(buffer, byteOffset, byteLength);
  const lines: PageLine[] = [];
  for (let at = 0; at < bytes.length; ) {
    const head = numberAt(bytes, at, SPACE);
    const body = head && numberAt(bytes, head.next, LF);
    if (!body) return undefined;
    const [from, middle] = [body.next, body.next + head.value];
    const end = middle + body.value;
    if (bytes[end] !== LF) return undefined;
    lines.push({ headers: new RawHeaders(bytes.subarray(from, middle)), data: bytes.subarray(middle, end) });
    at = end + 1;
  }
  return lines.length === count && count > 0 && count <= PAGE_MAX ? lines : undefined;
};

/** A decimal number and the byte that ends it. */
const numberAt = (bytes: Buffer, from: number, end: number): { value: number; next: number } | undefined => {
  let value = 0;
  let at = from;
  for (let byte = bytes[at]; byte !== undefined && byte >= ZERO && byte <= NINE; byte = bytes[(at += 1)]) value = value * 10 + (byte - ZERO);
  return at > from && bytes[at] === end && value <= bytes.length ? { value, next: at + 1 } : undefined;
};
