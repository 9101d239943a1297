import type { EndpointRecord } from '@spillway/endpoints';

/** Ordered, rate-limited, or with a cap of 1: what cannot be shared has one home, and the dispatcher's owner works all of it. */
export const isSingleHome = ({ maxInFlight, ratePerSecond, ordered }: Pick<EndpointRecord, 'maxInFlight' | 'ratePerSecond' | 'ordered'>): boolean =>
  ordered === true || ratePerSecond !== undefined || maxInFlight === 1;

/** The old home has seen the change by then, and what it had under way has ended or is about to. */
const BEGINS_AFTER_MS = 5_000;
const KNOWN_MAX = 50_000;

/** Which endpoints' later attempts are whose. When one changes its kind nothing moves: the old home stops as it sees the change, the new one begins 5 s later. */
export class Homes {
  private readonly known = new Map<string, { single: boolean; since: number }>();

  constructor(private readonly app: 'dispatcher' | 'retrier') {}

  /** May this app work later attempts of this endpoint now? */
  mayWorkLater(record: EndpointRecord, nowMs: number): boolean {
    const single = isSingleHome(record);
    if (single !== (this.app === 'dispatcher')) {
      this.note(record.id, single, nowMs);
      return false;
    }
    return nowMs >= this.note(record.id, single, nowMs);
  }

  /** @returns from when on the present kind counts */
  private note(id: string, single: boolean, nowMs: number): number {
    const known = this.known.get(id);
    if (known?.single === single) return known.since;
    if (this.known.size >= KNOWN_MAX) this.known.clear();
    const since = known ? nowMs + BEGINS_AFTER_MS : nowMs;
    this.known.set(id, { single, since });
    return since;
  }
}
