import { attempter, AttemptsConfig, dispatcherGate } from '@spillway/attempts';
import type { Service } from '@spillway/service-kit';
import { DispatcherModule } from './dispatcher.module.ts';

export class DispatcherConfig extends AttemptsConfig {}

/** Of a shard's lane at once, while what comes has hardly waited: what one endpoint may have waiting (512), so that a quick one is never parked for being busy. */
const HELD_PER_SHARD = 512;
/**
 * And while what comes is old already: half of max_ack_pending, twice what one endpoint may have waiting. Then whoever is at its cap is parked out of the
 * others' way, which costs its deliveries twice the work; so not before the others would notice.
 */
const HELD_PER_LATE_SHARD = 1_024;
const LATE_MS = 700;
/** Of bulk: half of what `fresh` may hold, and a quarter of the process's memory over all eight shards. It has room of its own, so neither lane ever waits for the other's. */
const BULK_HELD_PER_SHARD = 256;
const BULK_BYTES_PER_SHARD = 2 * 2 ** 20;

/** The first attempt of every delivery, from its turn or from PARKED; and the later ones of single-home endpoints. */
export const dispatcher = (config: DispatcherConfig): Promise<Service> =>
  attempter(config, {
    app: 'dispatcher',
    portOffset: 5,
    limits: dispatcherGate,
    module: ({ path }) => DispatcherModule.with(path),
    room: ({ gate }) => ({ queue, held, heldBytes, waitedMs }) => {
      if (queue === 'dispatcher-bulk') return heldBytes < BULK_BYTES_PER_SHARD ? BULK_HELD_PER_SHARD - held : 0;
      if (gate.bytesWaiting >= dispatcherGate.maxWaitingBytes) return 0;
      return (waitedMs < LATE_MS ? HELD_PER_SHARD : HELD_PER_LATE_SHARD) - held;
    },
  });
