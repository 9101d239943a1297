import { SOURCE_ID_PATTERN } from '@spillway/contracts';
import type { Schema } from './dto-schema.ts';

type Header = { description: string; schema: Schema };

const text = { type: 'string' } as const;

/** That we read. */
export const requestHeaders = {
  'idempotency-key': { description: 'The same key always answers the same event id; it wins over the event’s own `id`.', schema: { type: 'string', pattern: SOURCE_ID_PATTERN.source } },
} as const satisfies Readonly<Record<string, Header>>;

/** That we answer with, beside those that every HTTP answer has. */
export const answerHeaders = {
  'retry-after': { description: 'Seconds after which asking again makes sense.', schema: { type: 'integer', minimum: 1 } },
  'www-authenticate': { description: 'RFC 6750.', schema: text },
  accept: { description: 'What is taken.', schema: text },
  'accept-encoding': { description: 'Likewise.', schema: text },
  allow: { description: 'The methods that the path takes.', schema: text },
  ratelimit: { description: 'Of keys with a rate: what is left, and until when (draft-ietf-httpapi-ratelimit-headers).', schema: text },
  'ratelimit-policy': { description: 'Of keys with a rate: what it is.', schema: text },
} as const satisfies Readonly<Record<string, Header>>;
