import type { EndpointRegistry } from '@spillway/endpoints';
import { readParked } from '@spillway/topology';
import type { AttemptPath } from './attempt-path.ts';
import type { Gate } from './gate.ts';
import type { Homes } from './home.ts';
import type { OrderedHeads } from './ordered-heads.ts';
import type { RetrySwitches } from './retry-switches.ts';

export type ParkedRoomParts = {
  app: 'dispatcher' | 'retrier';
  gate: Gate;
  path: AttemptPath;
  registry: Pick<EndpointRegistry, 'get'>;
  homes: Homes;
  switches: RetrySwitches;
  heads?: OrderedHeads | undefined;
  /** Of a deleted endpoint: ended with it, and only to be removed. */
  purge: (subject: string) => void;
};

/** How many of a parked subject may be read now. Nothing where this app is not the home, or the endpoint can take nothing. */
export const roomInParked = ({ app, gate, path, registry, homes, switches, heads, purge }: ParkedRoomParts): ((subject: string, held: number) => number) => {
  return (subject, held) => {
    const parked = readParked(subject);
    const record = parked && registry.get(parked.endpointId);
    if (!parked || !record) return 0; // absent, not deleted: it waits for its record to be back
    if (record.state === 'deleted') purge(subject);
    if (record.state === 'deleted' || !record.enabled) return 0;
    const room = (): number => gate.roomForParked(gate.line(record.id, path.settingsOf(record)));
    const of = { tenant: record.tenant, endpointId: record.id };
    if (parked.kind === 'first' && record.ordered === true && heads) {
      // one at a time; a failed head waits while retries are suspended, and so do those behind it
      const attempt = heads.next(record.id, held);
      return attempt === 0 || (attempt > 1 && switches.suspended(of)) ? 0 : Math.min(1, room());
    }
    if (parked.kind === 'first') return room();
    const now = performance.now();
    if (!homes.mayWorkLater(record, now) || switches.suspended(of)) return 0;
    const allowed = Math.min(room(), switches.allowed(of, now) ?? Number.POSITIVE_INFINITY);
    // beside first attempts, later ones get at most half of what the endpoint may take
    return app === 'dispatcher' ? Math.ceil(allowed / 2) : allowed;
  };
};
