import { derivedCloudEventId, derivedEventId, newEventId, SOURCE_ID_PATTERN } from '@spillway/contracts';
import { invalidEvent, seen } from '../problems.ts';
import type { Envelope } from './envelope.ts';

/**
 * The header's text, as it stands. Empty is refused rather than ignored: a producer whose key came out empty believes to be safe, and is not.
 * @throws ProblemError 422 invalid_event
 */
export const readIdempotencyKey = (value: string | string[] | undefined): string | undefined => {
  if (value === undefined) return undefined;
  if (typeof value === 'string' && SOURCE_ID_PATTERN.test(value)) return value;
  throw invalidEvent([{ field: 'Idempotency-Key', wanted: 'one header of 1 to 255 characters', seen: seen(value) }]);
};

/** A key makes the id a hash, so the same key gives the same id with no look-up; the header wins over the event's own `id`, which for a CloudEvent is `source` and `id` together. */
export const eventIdOf = ({ tenant, id, cloud }: Pick<Envelope, 'tenant' | 'id' | 'cloud'>, idempotencyKey: string | undefined): string => {
  if (idempotencyKey !== undefined) return derivedEventId(tenant, idempotencyKey);
  if (id === undefined) return newEventId();
  return cloud === undefined ? derivedEventId(tenant, id) : derivedCloudEventId(tenant, cloud.source, id);
};

/**
 * A key of the whole batch would have to name its events by their places. After a `207` a producer sends what failed again, under the same key and in other
 * places: those would get the ids of events that were stored, and be dropped as their duplicates.
 * @throws ProblemError 422 invalid_event
 */
export const assertNoKey = (value: string | string[] | undefined): void => {
  if (value !== undefined) throw invalidEvent([{ field: 'Idempotency-Key', wanted: 'none on a batch: the key of each event is its own id', seen: seen(value) }]);
};
