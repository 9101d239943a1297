import { EVENT_ID_PATTERN, PublishEventDto } from '@spillway/contracts';
import { BATCH_EVENTS_MAX } from '../event/batch-items.ts';
import { NESTING_MAX } from '../event/event-text.ts';
import { schemaOf, type Schema } from './dto-schema.ts';

const event = schemaOf(PublishEventDto);

const text = { type: 'string' } as const;
const eventId = { type: 'string', pattern: EVENT_ID_PATTERN.source } as const;
const object = (properties: Readonly<Record<string, Schema>>, required = Object.keys(properties)): Schema => ({ type: 'object', properties, required });

/** What goes in and comes out, by name. */
export const schemas = {
  Event: {
    ...object({ ...event.properties, data: { description: `Any JSON value, nested at most ${NESTING_MAX} deep; delivered byte for byte as it came.` } }, [...event.required, 'data']),
    additionalProperties: false,
  },
  Events: { type: 'array', items: { $ref: '#/components/schemas/Event' }, maxItems: BATCH_EVENTS_MAX, description: 'Each is judged, and answered, by itself.' },
  EventLines: { ...text, description: `A line, an event (\`#/components/schemas/Event\`): at most ${BATCH_EVENTS_MAX}. Empty lines are none.` },
  Accepted: object({ id: eventId }),
  Results: object({
    results: {
      type: 'array',
      description: 'In the order of the events.',
      items: {
        oneOf: [
          object({ status: { const: 202 }, id: eventId }),
          object({ status: { type: 'integer', minimum: 400 }, retryAfterSeconds: { type: 'integer' }, problem: { $ref: '#/components/schemas/Problem' } }, ['status', 'problem']),
        ],
      },
    },
  }),
  Problem: {
    ...object({ type: text, title: text, status: { type: 'integer' }, code: text, detail: text }),
    description: 'RFC 9457. `code` is what programs go by; some codes have members of their own.',
  },
  Health: object({ ok: { type: 'boolean' } }),
  Text: text,
  ApiDescription: object({ openapi: text }),
} as const satisfies Readonly<Record<string, Schema>>;

export type SchemaName = keyof typeof schemas;
