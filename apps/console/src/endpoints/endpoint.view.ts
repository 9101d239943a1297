import type { EndpointLearnt } from '@spillway/contracts';
import type { EndpointRecord } from '@spillway/endpoints';
import { healthOf, type EndpointHealth } from './endpoint-health.ts';

/** By name, so that nothing added to the record is shown unawares; secrets have an address of their own. */
const shown = [
  'id',
  'tenant',
  'url',
  'types',
  'description',
  'headers',
  'maxInFlight',
  'ratePerSecond',
  'ordered',
  'timeoutSeconds',
  'schedule',
  'enabled',
  'disabledReason',
  'uid',
  'metadata',
  'createdAt',
  'updatedAt',
] as const satisfies readonly (keyof EndpointRecord)[];

export type EndpointView = Pick<EndpointRecord, (typeof shown)[number]> & { health: EndpointHealth };

export const endpointView = (record: EndpointRecord, parked: number | null, learnt?: readonly EndpointLearnt[]): EndpointView => ({
  ...(Object.fromEntries(shown.map((name) => [name, record[name]])) as Pick<EndpointRecord, (typeof shown)[number]>),
  health: healthOf(record, parked, learnt),
});
