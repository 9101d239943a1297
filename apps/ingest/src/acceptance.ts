import { eventHeaders } from '@spillway/contracts';
import type { Publisher } from '@spillway/jetstream';
import type { Principal } from '@spillway/keys';
import { ProblemError } from '@spillway/service-kit';
import { newTraceparent } from '@spillway/telemetry';
import { subject } from '@spillway/topology';
import { acceptedNow } from './event/accepted-at.ts';
import { deliveryBody } from './event/body.ts';
import type { Envelope } from './event/envelope.ts';
import { eventIdOf } from './event/event-id.ts';
import type { IngestMetrics } from './ingest.telemetry.ts';
import { publishProblem } from './publish-problem.ts';
import { BESIDE_BODY_BYTES, type TenantShares } from './share/tenant-shares.ts';
import type { Lanes } from './admission/lanes.ts';
import { assertMaySendFor } from './admission/tenant-access.ts';

/** Takes one event over: from here on it is ours, on disk, or its producer is told that it is not. */
export class Acceptance {
  constructor(
    private readonly publisher: Publisher,
    private readonly lanes: Lanes,
    private readonly shares: TenantShares,
    private readonly metrics: IngestMetrics,
    private readonly maxEventBytes: number,
  ) {}

  /**
   * @returns the event's id, once the broker has it on disk
   * @throws ProblemError 403, 413, 429, 503
   */
  async accept(envelope: Envelope, principal: Principal, idempotencyKey: string | undefined): Promise<string> {
    const { tenant, type, time, id: sourceId } = envelope;
    assertMaySendFor(principal, tenant);
    const acceptedAt = acceptedNow();
    const eventId = eventIdOf(tenant, idempotencyKey, sourceId);
    // a fresh trace for every event: a traceparent from outside could force full tracing, so it is honoured only for keys that may set one
    const traceparent = newTraceparent(false);
    const headers = eventHeaders({ eventId, tenant, type, source: `/tenants/${tenant}`, acceptedAt, time, sourceId, traceparent });
    try {
      await this.store(tenant, headers, deliveryBody(type, time ?? acceptedAt, envelope.data));
    } catch (error) {
      this.metrics.notStored(error instanceof ProblemError ? error.code : 'internal');
      throw error;
    }
    return eventId;
  }

  private async store(tenant: string, headers: [string, string][], body: Buffer): Promise<void> {
    const bytes = body.length + BESIDE_BODY_BYTES;
    const lane = this.lanes.of(tenant);
    const place = this.shares.take(tenant, lane, bytes);
    try {
      await this.publisher.publish(subject.ingest(lane, tenant), headers, body);
      place.stored(bytes);
      this.metrics.storedOne();
    } catch (error) {
      place.notStored(bytes);
      throw publishProblem(error, tenant, this.maxEventBytes) ?? error;
    }
  }
}
