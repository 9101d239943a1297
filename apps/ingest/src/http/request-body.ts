import type { IncomingMessage } from 'node:http';
import { payloadTooLarge } from '../problems.ts';

type Read = (error: Error | undefined, body: Buffer) => void;

const NOTHING = Buffer.alloc(0);

/**
 * The whole body, in memory; most come in one piece and are not copied. A body that has no announced end is given up at the first byte too many.
 * Of a client that went away nothing is said: there is nobody to answer.
 */
export const readBody = (request: IncomingMessage, bytesMax: number, done: Read): void => {
  let body: Buffer = NOTHING;
  let more: Buffer[] | undefined;
  let bytes = 0;
  const onData = (chunk: Buffer): void => {
    bytes += chunk.length;
    if (bytes > bytesMax) {
      request.off('data', onData).off('end', onEnd);
      done(payloadTooLarge(bytesMax), NOTHING);
    } else if (bytes === chunk.length) body = chunk;
    else (more ??= [body]).push(chunk);
  };
  const onEnd = (): void => done(undefined, more ? Buffer.concat(more, bytes) : body);
  request.on('data', onData).on('end', onEnd);
};
