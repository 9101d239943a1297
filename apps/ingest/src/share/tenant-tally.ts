import type { IngestLane } from '@spillway/topology';
import { LaneTally } from './lane-tally.ts';

/** What waits of one tenant, over all lanes. */
export class TenantTally {
  readonly lanes: Readonly<Record<IngestLane, LaneTally>> = { fresh: new LaneTally(), bulk: new LaneTally(), ordered: new LaneTally() };
  private readonly all = Object.values(this.lanes);

  get bytes(): number {
    const { fresh, bulk, ordered } = this.lanes;
    return fresh.bytes + bulk.bytes + ordered.bytes;
  }

  get inFlight(): number {
    const { fresh, bulk, ordered } = this.lanes;
    return fresh.inFlight + bulk.inFlight + ordered.inFlight;
  }

  get inFlightBytes(): number {
    const { fresh, bulk, ordered } = this.lanes;
    return fresh.inFlightBytes + bulk.inFlightBytes + ordered.inFlightBytes;
  }

  get isIdle(): boolean {
    return this.all.every((lane) => lane.isIdle);
  }

  asking(): void {
    for (const lane of this.all) lane.asking();
  }
}
