import type { LastFailure } from './facts.ts';

/** Whether anybody goes to an endpoint: as always; not before a probe is due; one or a few, to see whether it is back. */
export type CircuitState = 'closed' | 'open' | 'half_open';

/** What the owner of an endpoint's shard has learnt of it from its own attempts: in its memory, and nowhere else. */
export type EndpointLearnt = { app: string; circuit: CircuitState; lastFailure?: LastFailure };

/** By endpoint; who has no entry was never attempted by that owner. */
export type EndpointsLearnt = Record<string, EndpointLearnt>;
