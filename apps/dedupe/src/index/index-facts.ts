import type { Fact } from '@spillway/contracts';
import { ID_WINDOW_SECONDS } from '@spillway/topology';
import type { IndexChange } from './redis-care.ts';

/** What the ledger is told of a change of the index. */
export const factOf = ({ state, degradedMs, passed }: IndexChange, replica: string, now: Date): Fact => {
  const said = { v: 1 as const, at: now.toISOString(), tenant: '_system' as const, app: 'dedupe' as const, replica };
  if (state.ok) return { ...said, type: 'dedupe.restored', degradedMs, passed };
  return { ...said, type: 'dedupe.degraded', why: state.fault ?? 'refused', detail: state.why ?? '', fallbackWindowSeconds: ID_WINDOW_SECONDS };
};
