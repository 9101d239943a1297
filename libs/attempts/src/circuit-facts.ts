import type { Fact } from '@spillway/contracts';
import type { CircuitChange } from './gate.ts';

/** What this app has learnt of an endpoint's circuit, as the ledger has it. */
export const circuitFact = (change: CircuitChange, app: string, now: Date): Fact => {
  const { endpointId: endpoint, tenant, lastFailure } = change;
  const of = { v: 1 as const, at: now.toISOString(), tenant, endpoint, app };
  return change.is === 'opened'
    ? { type: 'circuit.opened', ...of, reason: change.reason, ...(lastFailure && { lastFailure }) }
    : { type: 'circuit.closed', ...of, reason: change.reason, openMs: change.openMs };
};
