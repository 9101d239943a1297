import { hash } from 'node:crypto';

const TYPES_MAX = 10_000;
const tags = new Map<string, string>();

const tagOf = (type: string): string => {
  const known = tags.get(type);
  if (known !== undefined) return known;
  if (tags.size >= TYPES_MAX) tags.clear();
  const tag = hash('sha256', type, 'base64url').slice(0, 2);
  tags.set(type, tag);
  return tag;
};

/**
 * Eight characters of a hash over type and data, not over the timestamp between them, which may be our own: tells "the same once more" from "the same key, another body".
 * In two parts, since the one-shot hash takes one buffer (0.9 µs for 1 KiB; joined with its type as text 2 µs).
 */
export const bodyChecksum = (type: string, data: Uint8Array): string => hash('sha256', data, 'base64url').slice(0, 6) + tagOf(type);
