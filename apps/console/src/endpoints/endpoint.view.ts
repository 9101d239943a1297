import type { EndpointRecord } from '@spillway/endpoints';

/** By name, so that nothing added to the record is shown unawares; secrets have an address of their own. */
const shown = [
  'id',
  'tenant',
  'url',
  'types',
  'description',
  'headers',
  'maxInFlight',
  'timeoutSeconds',
  'enabled',
  'disabledReason',
  'uid',
  'metadata',
  'createdAt',
  'updatedAt',
  'failingSince',
] as const satisfies readonly (keyof EndpointRecord)[];

export type EndpointView = Pick<EndpointRecord, (typeof shown)[number]>;

export const endpointView = (record: EndpointRecord): EndpointView => Object.fromEntries(shown.map((name) => [name, record[name]])) as EndpointView;
