import type { FactOf } from '@spillway/contracts';
import type { Plane } from '@spillway/testing';
import type { BrokerView } from './broker-view.ts';

export type SaidOfIndex = { index: string; state: string; fault?: string };
/** `dropped`: repetitions; `byBroker`: those of them that only the broker's own window knew; `asked`: keys that were to be claimed in the index, answered or not. */
export type DedupeCounts = { dropped: number; byBroker: number; deliveries: number; asked: number; indexOk: number };
export type FactOfIndex = FactOf<'dedupe.degraded'> | FactOf<'dedupe.restored'>;

/** What dedupe says of itself: in /readyz, in its metrics and in the ledger. */
export class DedupeSays {
  constructor(
    private readonly plane: Plane,
    private readonly view: BrokerView,
  ) {}

  async ready(): Promise<{ status: number; detail: SaidOfIndex }> {
    const { status, body } = await this.plane.app('dedupe').readiness();
    return { status, detail: (JSON.parse(body) as { checks: { dedupe: { detail: SaidOfIndex } } }).checks.dedupe.detail };
  }

  async counts(): Promise<DedupeCounts> {
    const { body } = await this.plane.ask('GET', `${this.plane.app('dedupe').url}/metrics`);
    return {
      dropped: sumOf('spillway_events_duplicate_total', body),
      byBroker: sumOf('spillway_events_second_net_total', body),
      deliveries: sumOf('spillway_deliveries_created_total', body),
      asked: sumOf('spillway_dedupe_claims_total', body),
      indexOk: sumOf('spillway_dedupe_index_ok', body),
    };
  }

  /** How the index went down and came back, in order, since the plane started. */
  async facts(): Promise<FactOfIndex[]> {
    return (await this.view.facts('_system')).filter((fact): fact is FactOfIndex => fact.type === 'dedupe.degraded' || fact.type === 'dedupe.restored');
  }
}

/** Over all labels. @throws Error where it is not there at all: nothing is not 0 */
const sumOf = (metric: string, exposed: string): number => {
  const samples = [...exposed.matchAll(new RegExp(`^${metric}(?:\\{.*\\})? (\\S+)`, 'gm'))];
  if (samples.length === 0) throw new Error(`dedupe has no metric ${metric}`);
  return samples.reduce((sum, [, value]) => sum + Number(value), 0);
};
