import { derivedEventId, eventHeaders } from '@spillway/contracts';
import { DISABLE_AFTER_MS } from '@spillway/delivery';
import { matchesType, wantsType, type EndpointRecord, type EndpointRegistry } from '@spillway/endpoints';
import { PublishRefused, type Publisher } from '@spillway/jetstream';
import { newTraceparent, type Logger } from '@spillway/telemetry';
import { subject } from '@spillway/topology';
import type { Announcement } from './failing-state.ts';

const SYSTEM_TENANT = '_system';

/** A filter of nothing but wildcards names no type: who wants everything wants his own producers' events, not ours. */
const names = (filter: string, type: string): boolean => /[^*.]/.test(filter) && matchesType(filter, type);

const recipients = (registry: Pick<EndpointRegistry, 'endpointsOf'>, { type, about }: Announcement): EndpointRecord[] => {
  const system = registry.endpointsOf(SYSTEM_TENANT).filter(({ types }) => wantsType(types, type));
  const own = about.tenant === SYSTEM_TENANT ? [] : registry.endpointsOf(about.tenant).filter(({ types }) => types?.some((filter) => names(filter, type)));
  // the one that fails is not told so: it would fail once more
  return [...system, ...own].filter(({ id, enabled }) => enabled && id !== about.id);
};

const dataOf = ({ type, about: { tenant, id, url, uid, failingSince, failedWith, disabledReason } }: Announcement) => ({
  tenant,
  endpoint: id,
  url,
  uid,
  failingSince,
  ...(type === 'endpoint.disabled' ? { reason: disabledReason } : { firstFailure: failedWith, disabledAt: failingSince && new Date(Date.parse(failingSince) + DISABLE_AFTER_MS).toISOString() }),
});

/**
 * Events of our own about endpoints: to the endpoints of tenant `_system`, and to the tenant's own that name the type. They go the way of every event, each with
 * its recipient named, since only we know who is to be told.
 */
export class OperationalEvents {
  private closed = false;

  constructor(
    private readonly registry: Pick<EndpointRegistry, 'endpointsOf'>,
    private readonly ingest: Pick<Publisher, 'persist'>,
    private readonly log: Logger,
  ) {}

  /** @returns false when there is no room for them now: say it again later */
  async tell(announcement: Announcement, now: Date): Promise<boolean> {
    const { type, about } = announcement;
    const body = Buffer.from(JSON.stringify({ type, timestamp: now.toISOString(), data: dataOf(announcement) }));
    try {
      await Promise.all(recipients(this.registry, announcement).map((recipient) => this.send(announcement, recipient, now, body)));
      return true;
    } catch (error) {
      if (!(error instanceof PublishRefused)) throw error;
      this.log.warn({ err: error, type, endpoint: about.id }, 'an operational event was refused');
      return false;
    }
  }

  /** What could not be stored until now is given up. */
  close(): void {
    this.closed = true;
  }

  private async send({ type, key }: Announcement, { tenant, id: endpointId }: EndpointRecord, now: Date, body: Buffer): Promise<void> {
    // an id for each recipient: under one id the second would be a duplicate of the first
    const eventId = derivedEventId(tenant, `${key} ${endpointId}`);
    const headers = eventHeaders({ eventId, tenant, type, source: '/spillway', acceptedAt: now.toISOString(), traceparent: newTraceparent(false), endpointId });
    await this.ingest.persist(subject.ingest('fresh', tenant), headers, body, () => !this.closed);
  }
}
