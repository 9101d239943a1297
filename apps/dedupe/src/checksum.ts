import { hash } from 'node:crypto';

const DATA = Buffer.from('"data":');

/** Where the producer's own bytes stand in the body: a type holds no quotes, so the first `"data":` is the envelope's own. */
export const dataOf = (body: Uint8Array): Buffer => {
  const bytes = Buffer.from(body.buffer, body.byteOffset, body.byteLength);
  // less the brace that closes the envelope
  return bytes.subarray(bytes.indexOf(DATA) + DATA.length, bytes.length - 1);
};

/**
 * Eight characters of a hash over type and data, not over the timestamp between them, which may be our own: tells "the same once more" from "the same key, another body".
 * As latin1, since any text that names the bytes will do: the one-shot hash of a string takes half the time of a hash object.
 */
export const bodyChecksum = (type: string, data: Buffer): string => hash('sha256', `${type}\n${data.toString('latin1')}`, 'base64url').slice(0, 8);
