import { EVENT_ID_PATTERN, EVENT_TYPE_PATTERN, PublishEventDto, SOURCE_ID_PATTERN } from '@spillway/contracts';
import { BATCH_EVENTS_MAX } from '../event/batch-items.ts';
import { NESTING_MAX } from '../event/event-text.ts';
import { schemaOf, type Schema } from './dto-schema.ts';

const event = schemaOf(PublishEventDto);

const text = { type: 'string' } as const;
const eventId = { type: 'string', pattern: EVENT_ID_PATTERN.source } as const;
/** What is `null` is unset. */
const attribute = { type: ['string', 'null'], minLength: 1 } as const;
const object = (properties: Readonly<Record<string, Schema>>, required = Object.keys(properties)): Schema => ({ type: 'object', properties, required });

/** What goes in and comes out, by name. */
export const schemas = {
  Event: {
    ...object({ ...event.properties, data: { description: `Any JSON value, nested at most ${NESTING_MAX} deep; delivered byte for byte as it came.` } }, [...event.required, 'data']),
    additionalProperties: false,
  },
  Events: { type: 'array', items: { $ref: '#/components/schemas/Event' }, maxItems: BATCH_EVENTS_MAX, description: 'Each is judged, and answered, by itself.' },
  EventLines: { ...text, description: `A line, an event (\`#/components/schemas/Event\`): at most ${BATCH_EVENTS_MAX}. Empty lines are none.` },
  CloudEvent: {
    ...object(
      {
        specversion: { const: '1.0' },
        id: { type: 'string', pattern: SOURCE_ID_PATTERN.source },
        source: { type: 'string', minLength: 1, maxLength: 1_024 },
        type: { type: 'string', pattern: EVENT_TYPE_PATTERN.source },
        time: { type: ['string', 'null'], format: 'date-time' },
        subject: attribute,
        dataschema: attribute,
        datacontenttype: { ...attribute, description: 'A JSON media type.' },
        tenant: { ...attribute, description: 'An extension; by default the tenant of the key.' },
        data: { description: `Any JSON value, nested at most ${NESTING_MAX} deep; delivered byte for byte as it came; without it, null.` },
      },
      ['specversion', 'id', 'source', 'type'],
    ),
    additionalProperties: { type: ['string', 'integer', 'boolean', 'null'] },
    description: 'CloudEvents 1.0, the JSON event format. `data_base64` is not taken: receivers get JSON.',
  },
  CloudEvents: { type: 'array', items: { $ref: '#/components/schemas/CloudEvent' }, maxItems: BATCH_EVENTS_MAX, description: 'Each is judged, and answered, by itself.' },
  CloudEventData: { description: `The data of a CloudEvent in binary mode: any JSON value, nested at most ${NESTING_MAX} deep; without a body, null.` },
  EventOrData: { anyOf: [{ $ref: '#/components/schemas/Event' }, { $ref: '#/components/schemas/CloudEventData' }], description: 'An event; with `ce-…` headers, the data of a CloudEvent in binary mode.' },
  Accepted: object({ id: eventId }),
  AcceptedOrResults: { oneOf: [{ $ref: '#/components/schemas/Accepted' }, { $ref: '#/components/schemas/Results' }] },
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
