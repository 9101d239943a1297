import { crc32 } from 'node:zlib';

const DATA = Buffer.from('"data":');

/** Over type and data, not over the timestamp between them, which may be our own: tells "the same once more" from "the same key, another body". */
export const bodyChecksum = (type: string, body: Uint8Array): number => {
  const bytes = Buffer.from(body.buffer, body.byteOffset, body.byteLength);
  // a type holds no quotes, so the first `"data":` is the envelope's own
  const at = bytes.indexOf(DATA);
  return crc32(bytes.subarray(at + DATA.length), crc32(type));
};
