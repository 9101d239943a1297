import { eventHeaders, newEventId } from '@spillway/contracts';
import type { EndpointRecord } from '@spillway/endpoints';
import type { Publisher } from '@spillway/jetstream';
import { newTraceparent } from '@spillway/telemetry';
import { subject } from '@spillway/topology';

const TYPE = 'webhook.test';

/** An event for one endpoint, whatever types it wants: accepted, signed, retried and recorded like every other. */
export class TestEvents {
  constructor(private readonly ingest: Pick<Publisher, 'publish'>) {}

  /** @returns the event's id, once it is stored. @throws PublishRefused | BrokerAway | OutcomeUnknown | PublisherSaturated */
  async send({ tenant, id: endpointId }: EndpointRecord, now: Date): Promise<string> {
    const eventId = newEventId();
    const at = now.toISOString();
    const body = JSON.stringify({ type: TYPE, timestamp: at, data: { endpoint: endpointId } });
    const headers = eventHeaders({ eventId, tenant, type: TYPE, source: '/spillway', acceptedAt: at, traceparent: newTraceparent(false), endpointId });
    await this.ingest.publish(subject.ingest('fresh', tenant), headers, Buffer.from(body));
    return eventId;
  }
}
