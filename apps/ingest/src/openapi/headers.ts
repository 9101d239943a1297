import { EVENT_TYPE_PATTERN, SOURCE_ID_PATTERN, TENANT_PATTERN } from '@spillway/contracts';
import type { Schema } from './dto-schema.ts';

type Header = { description: string; schema: Schema };

const text = { type: 'string' } as const;

/** Percent-encoded it may be longer than what it says, so only the server counts its characters. */
const encoded = { type: 'string', minLength: 1 } as const;
const REQUIRED = 'Required in binary mode.';

/** What a CloudEvent in binary mode has for attributes. That some are required cannot be said of a route that takes other modes as well; and of extensions no list is complete. */
const binaryHeaders = {
  'ce-specversion': { description: `${REQUIRED} This or \`ce-id\` makes a request one in binary mode.`, schema: { const: '1.0' } },
  'ce-id': { description: `${REQUIRED} 1 to 255 characters; \`ce-source\` and it together are the idempotency key.`, schema: encoded },
  'ce-source': { description: `${REQUIRED} A URI reference of at most 1024 characters.`, schema: encoded },
  'ce-type': { description: REQUIRED, schema: { type: 'string', pattern: EVENT_TYPE_PATTERN.source } },
  'ce-time': { description: 'RFC 3339; by default when it was accepted.', schema: { type: 'string', format: 'date-time' } },
  'ce-subject': { description: 'What of the source it is about.', schema: encoded },
  'ce-dataschema': { description: 'A URI of at most 1024 characters.', schema: encoded },
  'ce-tenant': { description: 'An extension; by default the tenant of the key.', schema: { type: 'string', pattern: TENANT_PATTERN.source } },
} as const satisfies Readonly<Record<string, Header>>;

export const binaryModeHeaders = Object.keys(binaryHeaders) as (keyof typeof binaryHeaders)[];

/** That we read. */
export const requestHeaders = {
  'idempotency-key': { description: 'The same key always answers the same event id; it wins over the event’s own `id`.', schema: { type: 'string', pattern: SOURCE_ID_PATTERN.source } },
  ...binaryHeaders,
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
