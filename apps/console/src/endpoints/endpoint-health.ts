import type { CircuitState, EndpointLearnt, FailureKind, LastFailure } from '@spillway/contracts';
import type { EndpointRecord } from '@spillway/endpoints';

/** What can be said of an endpoint without its history. */
export type EndpointHealth = {
  /** `failing`: enabled, and every attempt since `failingSince` has failed. */
  state: 'enabled' | 'disabled' | 'failing';
  /** The worse of what the owners in dispatcher and retrier have learnt; `null` when no owner answered. */
  circuit: CircuitState | null;
  /** Deliveries that wait for the endpoint and not for a time; `null` when the broker did not say. */
  parked: number | null;
  failingSince?: string;
  /** How the first attempt of these failed. */
  firstFailure?: { kind: FailureKind; status?: number };
  /** Its address may not be dialled. */
  flagged?: 'ssrf_blocked';
  /** The newest that the present owners remember. */
  lastFailure?: LastFailure;
};

const badness: Record<CircuitState, number> = { closed: 0, half_open: 1, open: 2 };

const worst = (learnt: readonly EndpointLearnt[]): CircuitState => learnt.map(({ circuit }) => circuit).toSorted((a, b) => badness[b] - badness[a])[0] ?? 'closed';

const newest = (learnt: readonly EndpointLearnt[]): LastFailure | undefined => learnt.flatMap(({ lastFailure }) => lastFailure ?? []).toSorted((a, b) => b.at.localeCompare(a.at))[0];

/** @param learnt `undefined`: no owner answered */
export const healthOf = ({ enabled, failingSince, failedWith, flagged }: EndpointRecord, parked: number | null, learnt: readonly EndpointLearnt[] | undefined): EndpointHealth => ({
  state: !enabled ? 'disabled' : failingSince === undefined ? 'enabled' : 'failing',
  circuit: learnt === undefined ? null : worst(learnt),
  parked,
  ...(failingSince === undefined ? {} : { failingSince }),
  ...(failedWith === undefined ? {} : { firstFailure: failedWith }),
  ...(flagged === undefined ? {} : { flagged }),
  ...(newest(learnt ?? []) && { lastFailure: newest(learnt ?? []) }),
});
