import { gunzip } from 'node:zlib';
import { malformedEncoding, payloadTooLarge } from '../problems.ts';

const NOTHING = Buffer.alloc(0);

/**
 * Unpacks a body, beside the event loop. What comes out is counted as it comes: a bomb ends at the first byte too many, 4 GiB of zeros in 4 MiB after their
 * first 4 MiB, and nothing more of it is ever in memory.
 */
export const inflate = (packed: Buffer, bytesMax: number, done: (fault: Error | undefined, body: Buffer) => void): void => {
  gunzip(packed, { maxOutputLength: bytesMax }, (error, body) => done(error === null ? undefined : faultOf(error, bytesMax), body ?? NOTHING));
};

const faultOf = (error: NodeJS.ErrnoException, bytesMax: number): Error => {
  if (error.code === 'ERR_BUFFER_TOO_LARGE') return payloadTooLarge(bytesMax);
  return malformedEncoding(`the body is not the gzip that content-encoding says: ${error.message}`);
};
