import type { AttemptPath, Gate } from '@spillway/attempts';
import type { EndpointRegistry } from '@spillway/endpoints';
import type { Room } from '@spillway/jetstream';
import { readParked } from '@spillway/topology';

/** Of a shard's lane at once: half of max_ack_pending, and twice what one endpoint may have waiting (512), so that one at its cap leaves room for the others. */
const HELD_PER_SHARD = 1_024;
/** Deliveries of a deleted endpoint are only removed. */
const REMOVED_AT_ONCE = 256;

/** How much of each queue may be taken now. */
export const roomIn = (gate: Gate, path: AttemptPath, registry: EndpointRegistry, maxWaitingBytes: number): Room => {
  const ofParked = (endpointId: string): number => {
    const record = registry.get(endpointId);
    if (!record) return 0; // absent, not deleted: it waits for its record to be back
    if (record.state === 'deleted') return REMOVED_AT_ONCE;
    return record.enabled ? gate.roomForParked(gate.line(endpointId, path.settingsOf(record))) : 0;
  };
  return ({ held, subject }) => {
    if (subject !== undefined) {
      const parked = readParked(subject);
      return parked ? ofParked(parked.endpointId) : 0;
    }
    return gate.bytesWaiting < maxWaitingBytes ? HELD_PER_SHARD - held : 0;
  };
};
