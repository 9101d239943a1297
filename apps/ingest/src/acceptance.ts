import { eventHeaders } from '@spillway/contracts';
import type { Outgoing, Publisher } from '@spillway/jetstream';
import type { Principal } from '@spillway/keys';
import { ProblemError } from '@spillway/service-kit';
import { newTraceparent } from '@spillway/telemetry';
import { subject } from '@spillway/topology';
import { acceptedNow } from './event/accepted-at.ts';
import type { Batch } from './event/batch.ts';
import { deliveryBody } from './event/body.ts';
import type { Envelope } from './event/envelope.ts';
import { eventIdOf } from './event/event-id.ts';
import type { IngestMetrics } from './ingest.telemetry.ts';
import { publishProblem } from './publish-problem.ts';
import type { LaneTally } from './share/lane-tally.ts';
import { BESIDE_BODY_BYTES, type TenantShares } from './share/tenant-shares.ts';
import type { Lanes } from './admission/lanes.ts';
import { assertMaySendFor } from './admission/tenant-access.ts';

/** An event that has an id, a lane and its place in its tenant's share, and goes to the broker next. */
type Ready = { eventId: string; tenant: string; message: Outgoing; place: LaneTally; bytes: number };

/** Takes events over: from here on they are ours, on disk, or their producer is told that they are not. */
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
    const ready = this.ready(envelope, principal, idempotencyKey);
    const { subject: to, headers, data } = ready.message;
    try {
      await this.publisher.publish(to, headers, data);
    } catch (error) {
      throw this.failed(ready, error as Error);
    }
    this.stored(ready);
    this.metrics.stored(1);
    return ready.eventId;
  }

  /**
   * Each for itself, in their order, in as few groups as the publisher can make of them.
   * @returns of each its id, or why it was not stored; what was a problem before stays one
   */
  async acceptEach(batch: Batch<Envelope>, principal: Principal): Promise<(string | Error)[]> {
    const answers = batch.map((envelope) => (envelope instanceof ProblemError ? envelope : this.readyOr(envelope, principal)));
    const outcomes = await this.publisher.publishEach(answers.flatMap((answer) => (answer instanceof ProblemError ? [] : answer.message)));
    let [at, stored] = [0, 0];
    const results = answers.map((answer) => {
      if (answer instanceof ProblemError) return answer;
      const outcome = outcomes[at++];
      if (outcome instanceof Error) return this.failed(answer, outcome);
      this.stored(answer);
      stored += 1;
      return answer.eventId;
    });
    this.metrics.stored(stored);
    return results;
  }

  private readyOr(envelope: Envelope, principal: Principal): Ready | ProblemError {
    try {
      return this.ready(envelope, principal, undefined);
    } catch (error) {
      if (error instanceof ProblemError) return error;
      throw error;
    }
  }

  /** @throws ProblemError 403, 429 */
  private ready(envelope: Envelope, principal: Principal, idempotencyKey: string | undefined): Ready {
    const { tenant, type, id: sourceId, time, data, cloud } = envelope;
    assertMaySendFor(principal, tenant);
    const acceptedAt = acceptedNow();
    const eventId = eventIdOf(envelope, idempotencyKey);
    // a fresh trace for every event: a traceparent from outside could force full tracing, so it is honoured only for keys that may set one
    const traceparent = newTraceparent(false);
    const headers = eventHeaders({ eventId, tenant, type, source: cloud?.source ?? `/tenants/${tenant}`, acceptedAt, time, sourceId, attributes: cloud?.attributes, traceparent });
    const body = deliveryBody(type, time ?? acceptedAt, data);
    const bytes = body.length + BESIDE_BODY_BYTES + (cloud?.bytes ?? 0);
    try {
      const lane = this.lanes.of(tenant);
      return { eventId, tenant, message: { subject: subject.ingest(lane, tenant), headers, data: body }, place: this.shares.take(tenant, lane, bytes), bytes };
    } catch (error) {
      throw this.counted(error as Error);
    }
  }

  private stored({ place, bytes }: Ready): void {
    place.stored(bytes);
  }

  private failed({ tenant, place, bytes }: Ready, error: Error): Error {
    place.notStored(bytes);
    return this.counted(publishProblem(error, tenant, this.maxEventBytes) ?? error);
  }

  private counted(error: Error): Error {
    this.metrics.notStored(error instanceof ProblemError ? error.code : 'internal');
    return error;
  }
}
