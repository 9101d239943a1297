import { attempter, AttemptsConfig, dispatcherGate } from '@spillway/attempts';
import type { Service } from '@spillway/service-kit';
import { DispatcherModule } from './dispatcher.module.ts';

export class DispatcherConfig extends AttemptsConfig {}

/** Of a shard's lane at once: half of max_ack_pending, and twice what one endpoint may have waiting (512), so that one at its cap leaves room for the others. */
const HELD_PER_SHARD = 1_024;

/** The first attempt of every delivery, from its turn or from PARKED; and the later ones of single-home endpoints. */
export const dispatcher = (config: DispatcherConfig): Promise<Service> =>
  attempter(config, {
    app: 'dispatcher',
    portOffset: 5,
    limits: dispatcherGate,
    module: ({ path }) => DispatcherModule.with(path),
    room: ({ gate }) => ({ held }) => (gate.bytesWaiting < dispatcherGate.maxWaitingBytes ? HELD_PER_SHARD - held : 0),
  });
