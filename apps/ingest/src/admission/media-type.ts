import type { IncomingHttpHeaders } from 'node:http';

const JSON_TYPE = /^application\/json\s*(?:;\s*charset\s*=\s*"?utf-?8"?\s*)?;?\s*$/i;

/** What is wrong with how the body is said to be written; `undefined`: nothing. JSON is UTF-8 between strangers (RFC 8259, section 8.1), so no other charset is taken. */
export const mediaTypeFault = (headers: IncomingHttpHeaders): string | undefined => {
  const { 'content-type': type, 'content-encoding': encoding = 'identity' } = headers;
  if (type === undefined) return 'wanted content-type: application/json, and there is none';
  if (!JSON_TYPE.test(type)) return `wanted content-type: application/json, in UTF-8; seen: ${type.slice(0, 80)}`;
  if (encoding.toLowerCase() !== 'identity') return `wanted a body without content-encoding; seen: ${encoding.slice(0, 80)}`;
  return undefined;
};
