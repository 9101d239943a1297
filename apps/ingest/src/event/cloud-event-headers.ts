import { isUtf8 } from 'node:buffer';
import type { IncomingHttpHeaders } from 'node:http';
import { CE_PREFIX, decodeHeaderValue } from '@spillway/contracts';
import { invalidEvent, seen, type FieldFault } from '../problems.ts';
import { envelopeOf } from './cloud-event.ts';
import type { Envelope } from './envelope.ts';
import { assertUtf8, NESTING_MAX, parseJson } from './event-text.ts';
import { findMember, trimmed } from './json-member.ts';

/** Older versions of the binding quoted what has spaces: RFC 9110, section 5.6.4. */
const QUOTED = /^"((?:[^"\\]|\\.)*)"$/;

/** Node reads headers as Latin-1; who sends UTF-8 unencoded means UTF-8. `undefined`: it is neither. */
const decoded = (value: string): string | undefined => {
  const bytes = Buffer.from(value, 'latin1');
  if (!isUtf8(bytes)) return undefined;
  const [, quoted] = QUOTED.exec(bytes.toString()) ?? [];
  try {
    // encoded bytes that are no UTF-8 must be refused (CloudEvents HTTP binding 1.0.2, section 3.1.3.2)
    return decodeHeaderValue(quoted === undefined ? bytes.toString() : quoted.replace(/\\(.)/g, '$1'));
  } catch {
    return undefined;
  }
};

const attributesOf = (headers: IncomingHttpHeaders): Map<string, unknown> => {
  const attributes = new Map<string, unknown>();
  const faults: FieldFault[] = [];
  for (const [header, value] of Object.entries(headers)) {
    if (!header.startsWith(CE_PREFIX)) continue;
    const text = decoded(String(value));
    if (text === undefined) faults.push({ field: header, wanted: 'percent-encoded UTF-8', seen: seen(value) });
    else attributes.set(header.slice(CE_PREFIX.length), text);
  }
  for (const name of ['datacontenttype', 'data']) if (attributes.has(name)) faults.push({ field: CE_PREFIX + name, wanted: 'no such header: the body is the data, and content-type says of what type', seen: seen(attributes.get(name)) });
  if (faults.length > 0) throw invalidEvent(faults);
  return attributes;
};

/** The body of a binary event is its data, byte for byte. */
const dataOf = (raw: Buffer): Uint8Array | undefined => {
  const { start, end } = trimmed(raw, 0, raw.length);
  if (start === end) return undefined;
  if (findMember(raw, 'data', NESTING_MAX - 1).tooDeepIn !== undefined) throw invalidEvent([{ field: 'data', wanted: `nesting of at most ${NESTING_MAX}` }]);
  assertUtf8(raw);
  parseJson(raw.toString());
  return raw.subarray(start, end);
};

/** A CloudEvent in binary mode: attributes in `ce-…` headers, data as the body. @throws ProblemError 400, 422 */
export const readBinaryEvent = (headers: IncomingHttpHeaders, raw: Buffer, keyTenant: string | undefined): Envelope => {
  const attributes = attributesOf(headers);
  return envelopeOf(attributes, dataOf(raw), keyTenant);
};
