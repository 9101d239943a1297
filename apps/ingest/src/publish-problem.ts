import { BrokerAway, OutcomeUnknown, PublisherSaturated, PublishRefused, type RefusalKind } from '@spillway/jetstream';
import type { ProblemError } from '@spillway/service-kit';
import { brokerUnavailable, ingestFull, outcomeUnknown, payloadTooLarge, tenantQuota } from './problems.ts';

const refused = (kind: RefusalKind, tenant: string, bytesMax: number, description: string): ProblemError => {
  switch (kind) {
    case 'subject_full':
      return tenantQuota(`tenant ${tenant} has as many events waiting as its share allows: ${description}`, 'messages_waiting');
    case 'stream_full':
      return ingestFull(`the stream of accepted events is full: ${description}`);
    case 'storage_full':
      return ingestFull(`the broker's storage is full: ${description}`);
    case 'too_large':
      return payloadTooLarge(bytesMax);
    case 'busy':
    case 'duplicate_in_batch':
    case 'other':
      return brokerUnavailable(`the event was not stored: ${description}`);
  }
};

/** What a failed publish means to the producer; `undefined`: nothing that is foreseen, so nothing that may be told. */
export const publishProblem = (error: unknown, tenant: string, bytesMax: number): ProblemError | undefined => {
  if (error instanceof PublishRefused) return refused(error.kind, tenant, bytesMax, error.description);
  if (error instanceof OutcomeUnknown) return outcomeUnknown('no confirmation came in time: perhaps the event is stored. Send it again with the same Idempotency-Key or id');
  if (error instanceof BrokerAway) return brokerUnavailable('the broker is away: the event was not stored');
  if (error instanceof PublisherSaturated) return ingestFull('more events wait to be stored than this process holds in memory');
  return undefined;
};
