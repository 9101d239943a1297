import { eventHeaders } from '@spillway/contracts';
import { OutcomeUnknown, withinMs, type Outgoing, type PubAck } from '@spillway/jetstream';
import type { Principal } from '@spillway/keys';
import { ProblemError } from '@spillway/service-kit';
import { newTraceparent } from '@spillway/telemetry';
import { subject } from '@spillway/topology';
import { acceptedNow } from './event/accepted-at.ts';
import type { Batch } from './event/batch.ts';
import { deliveryBody } from './event/body.ts';
import type { Envelope } from './event/envelope.ts';
import { eventIdOf } from './event/event-id.ts';
import type { IngestStore } from './ingest-store.ts';
import type { IngestMetrics } from './ingest.telemetry.ts';
import { publishProblem } from './publish-problem.ts';
import type { Named, Repeats } from './repeats/repeats.ts';
import type { LaneTally } from './share/lane-tally.ts';
import { BESIDE_BODY_BYTES, type TenantShares } from './share/tenant-shares.ts';
import type { Lanes } from './admission/lanes.ts';
import { assertMaySendFor } from './admission/tenant-access.ts';

/** An event that has an id, a lane and its place in its tenant's share, and goes to the broker next. */
type Ready = { event: Named; message: Outgoing; place: LaneTally; bytes: number };

export type AcceptanceOptions = {
  store: IngestStore;
  repeats: Repeats;
  lanes: Lanes;
  shares: TenantShares;
  metrics: IngestMetrics;
  maxEventBytes: number;
  /** What is left of the deadline to a repeat that could not be counted in time. */
  lateMs: number;
};

/** Takes events over: from here on they are ours, on disk, or their producer is told that they are not. */
export class Acceptance {
  constructor(private readonly options: AcceptanceOptions) {}

  /**
   * @returns the event's id, once the broker has it on disk
   * @throws ProblemError 403, 413, 429, 503
   */
  async accept(envelope: Envelope, principal: Principal, idempotencyKey: string | undefined): Promise<string> {
    const event = this.named(envelope, principal, idempotencyKey);
    if (!this.options.repeats.isRepeat(event)) return this.store(event);
    const [answer] = await this.answerAgain([event]);
    if (answer instanceof Error) throw answer;
    return event.eventId;
  }

  /**
   * Each for itself, in their order, in as few groups as the publisher can make of them; repeats of what is on disk beside them.
   * @returns of each its id, or why it was not stored; what was a problem before stays one
   */
  async acceptEach(batch: Batch<Envelope>, principal: Principal): Promise<(string | Error)[]> {
    const events = batch.map((envelope) => (envelope instanceof ProblemError ? envelope : this.orProblem(() => this.named(envelope, principal, undefined))));
    const repeats = events.filter((event): event is Named => !(event instanceof ProblemError) && this.options.repeats.isRepeat(event));
    if (repeats.length === 0) return this.storeEach(events);
    const known = new Set<Named | ProblemError>(repeats);
    const [stored, again] = await Promise.all([this.storeEach(events.filter((event) => !known.has(event))), this.answerAgain(repeats)]);
    const [nextStored, nextAgain] = [stored.values(), again.values()];
    return events.map((event) => (known.has(event) ? nextAgain : nextStored).next().value as string | Error);
  }

  private async store(event: Named): Promise<string> {
    const ready = this.ready(event);
    const ack = await this.options.store.publish(ready.message).catch((error: Error) => {
      throw this.failed(ready, error);
    });
    this.stored(ready, ack);
    this.options.metrics.stored(1);
    return event.eventId;
  }

  private async storeEach(events: readonly (Named | ProblemError)[]): Promise<(string | Error)[]> {
    const answers = events.map((event) => (event instanceof ProblemError ? event : this.orProblem(() => this.ready(event))));
    const outcomes = await this.options.store.publishEach(answers.flatMap((answer) => (answer instanceof ProblemError ? [] : answer.message)));
    let [at, stored] = [0, 0];
    const results = answers.map((answer) => {
      if (answer instanceof ProblemError) return answer;
      const outcome = outcomes[at++];
      if (outcome instanceof Error) return this.failed(answer, outcome);
      this.stored(answer, outcome as PubAck);
      stored += 1;
      return answer.event.eventId;
    });
    this.options.metrics.stored(stored);
    return results;
  }

  /** They take no place in their tenant's share, and no part of its rate. Those that cannot be counted in time go the usual way, in the time that is left. */
  private async answerAgain(repeats: readonly Named[]): Promise<(string | Error)[]> {
    if (await this.options.repeats.drop(repeats)) return repeats.map(({ eventId }) => eventId);
    const answers = await withinMs(this.storeEach(repeats), this.options.lateMs);
    return answers ?? repeats.map(({ envelope }) => this.problemOf(new OutcomeUnknown('a message to WEBHOOK_INGEST'), envelope.tenant));
  }

  private orProblem<T>(make: () => T): T | ProblemError {
    try {
      return make();
    } catch (error) {
      if (error instanceof ProblemError) return error;
      throw error;
    }
  }

  /** @throws ProblemError 403 */
  private named(envelope: Envelope, principal: Principal, idempotencyKey: string | undefined): Named {
    assertMaySendFor(principal, envelope.tenant);
    return { envelope, eventId: eventIdOf(envelope, idempotencyKey), isKeyed: idempotencyKey !== undefined || envelope.id !== undefined };
  }

  /** @throws ProblemError 429 */
  private ready(event: Named): Ready {
    const { envelope, eventId } = event;
    const { tenant, type, id: sourceId, time, data, cloud } = envelope;
    const acceptedAt = acceptedNow();
    // a fresh trace for every event: a traceparent from outside could force full tracing, so it is honoured only for keys that may set one
    const traceparent = newTraceparent(false);
    const headers = eventHeaders({ eventId, tenant, type, source: cloud?.source ?? `/tenants/${tenant}`, acceptedAt, time, sourceId, attributes: cloud?.attributes, traceparent });
    const body = deliveryBody(type, time ?? acceptedAt, data);
    const bytes = body.length + BESIDE_BODY_BYTES + (cloud?.bytes ?? 0);
    try {
      const lane = this.options.lanes.of(tenant, bytes);
      return { event, message: { subject: subject.ingest(lane, tenant), headers, data: body }, place: this.options.shares.take(tenant, lane, bytes), bytes };
    } catch (error) {
      throw this.counted(error as Error);
    }
  }

  private stored({ event, place, bytes }: Ready, { place: onPage = 0 }: PubAck): void {
    place.stored(bytes, onPage === 0);
    this.options.repeats.stored(event);
  }

  private failed({ event, place, bytes }: Ready, error: Error): Error {
    place.notStored(bytes);
    return this.problemOf(error, event.envelope.tenant);
  }

  private problemOf(error: Error, tenant: string): Error {
    return this.counted(publishProblem(error, tenant, this.options.maxEventBytes) ?? error);
  }

  private counted(error: Error): Error {
    this.options.metrics.notStored(error instanceof ProblemError ? error.code : 'internal');
    return error;
  }
}
