import type { FailureKind } from '@spillway/contracts';
import type { EndpointRecord } from '@spillway/endpoints';

/** What can be said of an endpoint without its history. */
export type EndpointHealth = {
  /** `failing`: enabled, and every attempt since `failingSince` has failed. */
  state: 'enabled' | 'disabled' | 'failing';
  /** Deliveries that wait for the endpoint and not for a time; `null` when the broker did not say. */
  parked: number | null;
  failingSince?: string;
  /** How the first attempt of these failed. */
  firstFailure?: { kind: FailureKind; status?: number };
};

export const healthOf = ({ enabled, failingSince, failedWith }: EndpointRecord, parked: number | null): EndpointHealth => ({
  state: !enabled ? 'disabled' : failingSince === undefined ? 'enabled' : 'failing',
  parked,
  ...(failingSince === undefined ? {} : { failingSince }),
  ...(failedWith === undefined ? {} : { firstFailure: failedWith }),
});
