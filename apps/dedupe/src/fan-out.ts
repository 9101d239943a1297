import { deliveryHeaders, deliveryId, header, type EventMeta, type FactOf, type FannedOut } from '@spillway/contracts';
import { shardOf, subject, type DeliveryLane } from '@spillway/topology';

export type Message = { subject: string; headers: [string, string][]; data: Uint8Array };

/**
 * One message for each endpoint that wants the event, under an id that names this step: fan-out `<event>:<endpoint>`, of a job `<job>:<event>:<endpoint>`.
 * @param again the same id was accepted before, further back than the window: a step of its own, `<event>:<endpoint>:<accepted-at>`, or the broker would take it for the first
 */
export const fanOut = (lane: DeliveryLane, meta: EventMeta, endpointIds: readonly string[], body: Uint8Array, again = false): { deliveries: FannedOut[]; messages: Message[] } => {
  const deliveries = endpointIds.map((endpoint) => ({ id: deliveryId(meta.eventId, endpoint, meta.job), endpoint }));
  const messages = endpointIds.map((endpointId) => ({
    subject: subject.delivery(lane, shardOf(endpointId)),
    headers: [...deliveryHeaders({ ...meta, endpointId, attempt: 1 }), [header.messageId, fanOutId(meta, endpointId) + (again ? `:${Date.parse(meta.acceptedAt)}` : '')]] as [string, string][],
    data: body,
  }));
  return { deliveries, messages };
};

const fanOutId = ({ job, eventId }: EventMeta, endpointId: string): string => (job === undefined ? `${eventId}:${endpointId}` : `${job}:${eventId}:${endpointId}`);

type Said = { meta: EventMeta; ingest: number; body: Uint8Array; now: Date; skipped: readonly string[] };

const ofEvent = ({ meta, ingest, body, now, skipped }: Said) => ({
  v: 1 as const,
  at: now.toISOString(),
  tenant: meta.tenant,
  event: meta.eventId,
  eventType: meta.type,
  source: meta.source,
  sourceId: meta.sourceId,
  time: meta.time,
  acceptedAt: meta.acceptedAt,
  traceparent: meta.traceparent,
  ingest,
  body: Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString('utf8'),
  ...(skipped.length > 0 && { skipped: [...skipped] }),
});

export const eventAccepted = (said: Said, deliveries: FannedOut[]): FactOf<'event.accepted'> => ({ type: 'event.accepted', ...ofEvent(said), deliveries });

/** No endpoint wants it: a fact, not an error. */
export const eventUnrouted = (said: Said): FactOf<'event.unrouted'> => ({ type: 'event.unrouted', ...ofEvent(said) });
