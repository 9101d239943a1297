import type { IncomingMessage } from 'node:http';
import { payloadTooLarge } from '../problems.ts';

type Read = (error: Error | undefined, body: Buffer) => void;

const NOTHING = Buffer.alloc(0);

/**
 * The whole body, in memory; most come in one piece and are not copied. What comes in pieces is put together as it comes: kept as pieces, 256 KiB sent one byte
 * a chunk are 262,144 objects, 54 MiB instead of the 256 KiB that were counted. A body that has no announced end is given up at the first byte too many.
 * Of a client that went away nothing is said: there is nobody to answer.
 */
export const readBody = (request: IncomingMessage, bytesMax: number, done: Read): void => {
  let body: Buffer = NOTHING;
  let bytes = 0;
  const onData = (chunk: Buffer): void => {
    const before = bytes;
    bytes += chunk.length;
    if (bytes > bytesMax) {
      request.off('data', onData).off('end', onEnd);
      done(payloadTooLarge(bytesMax), NOTHING);
    } else if (before === 0) body = chunk;
    else {
      if (bytes > body.length) body = grown(body, before, Math.max(bytes, announced(request) ?? Math.min(2 * bytes, bytesMax)));
      body.set(chunk, before);
    }
  };
  const onEnd = (): void => done(undefined, bytes === body.length ? body : body.subarray(0, bytes));
  request.on('data', onData).on('end', onEnd);
};

/** Of a length that was checked before. */
const announced = ({ headers }: IncomingMessage): number | undefined => (headers['content-length'] === undefined ? undefined : Number(headers['content-length']));

const grown = (body: Buffer, used: number, bytes: number): Buffer => {
  const larger = Buffer.allocUnsafe(bytes);
  body.copy(larger, 0, 0, used);
  return larger;
};
