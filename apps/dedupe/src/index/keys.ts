import { hash } from 'node:crypto';

/**
 * 132 bits, and what kind of key it is: 23 ASCII characters. As raw bytes it would be 17 and cost the same memory (Redis' allocator rounds both to 32), while the client
 * writes text for half the CPU (5.9 µs a claim against 10.2, measured).
 */
const keyOf = (kind: 'i' | 'c', parts: readonly string[]): string => {
  // the length before each part: ("a", "bc") and ("ab", "c") are two keys
  let text = kind;
  for (const part of parts) text += `${part.length}:${part}`;
  return kind + hash('sha256', text, 'base64url').slice(0, 22);
};

/** What a job makes is a duty of its own for each endpoint: a replay is no repetition of what it replays, nor of its own delivery to another endpoint. */
export const idKey = ({ tenant, eventId, job, endpointId }: { tenant: string; eventId: string; job?: string; endpointId?: string }): string =>
  keyOf('i', job === undefined ? [tenant, eventId] : [tenant, eventId, job, endpointId ?? '']);

/** @param fingerprint of the type and what counts of the data, see `content/fingerprint.ts` */
export const contentKey = (tenant: string, fingerprint: string): string => keyOf('c', [tenant, fingerprint]);
