import { deliveryHeaders, deliveryId, header, type DeadReason, type EventMeta, type FactOf, type FannedOut } from '@spillway/contracts';
import { shardOf, subject, type DeliveryLane } from '@spillway/topology';
import type { ToPark } from './straight-to-parked.ts';

export type Message = { subject: string; headers: [string, string][]; data: Uint8Array };
export type FanOut = {
  deliveries: FannedOut[];
  /** For their turn. */
  messages: Message[];
  /** For their endpoint, which is ordered. */
  toPark: ToPark[];
};
type FanOutOptions = { isOrdered: (endpointId: string) => boolean; again?: boolean };

/**
 * One message for each endpoint that wants the event, under an id that names this step: fan-out `<event>:<endpoint>`, of a job `<job>:<event>:<endpoint>`.
 * @param options.again the same id was accepted before, further back than the window: a step of its own, `<event>:<endpoint>:<accepted-at>`, or the broker would take it for the first
 */
export const fanOut = (lane: DeliveryLane, meta: EventMeta, endpointIds: readonly string[], body: Uint8Array, { isOrdered, again = false }: FanOutOptions): FanOut => {
  const fanned: FanOut = { deliveries: [], messages: [], toPark: [] };
  for (const endpointId of endpointIds) {
    const messageId = fanOutId(meta, endpointId) + (again ? `:${Date.parse(meta.acceptedAt)}` : '');
    const delivery = { ...meta, endpointId, attempt: 1 };
    fanned.deliveries.push({ id: deliveryId(meta.eventId, endpointId, meta.job), endpoint: endpointId });
    if (isOrdered(endpointId)) fanned.toPark.push({ meta: delivery, messageId, body });
    else fanned.messages.push({ subject: subject.delivery(lane, shardOf(endpointId)), headers: [...deliveryHeaders(delivery), [header.messageId, messageId]], data: body });
  }
  return fanned;
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

/** Given up before it was routed. */
export const eventDead = (said: Omit<Said, 'skipped'>, reason: DeadReason, app: string): FactOf<'event.dead'> => ({
  type: 'event.dead',
  ...ofEvent({ ...said, skipped: [] }),
  reason,
  by: 'pipeline',
  kept: true,
  app,
  job: said.meta.job,
  endpoint: said.meta.endpointId,
});
