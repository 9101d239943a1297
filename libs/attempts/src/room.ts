import type { EndpointRecord, EndpointRegistry } from '@spillway/endpoints';
import { readParked, type ParkedKind } from '@spillway/topology';
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
  /** How many to read of what nobody attempts: it may be too old. */
  expiring: (subject: string, held: number) => number;
  /** Of a deleted endpoint: ended with it, and only to be removed. */
  purge: (subject: string) => void;
};

type Room = (subject: string, held: number, waiting: number) => number;

/** How many of a parked subject may be read now. Nothing where this app is not the home; where the endpoint can take nothing, only what is too old. */
export const roomInParked = (parts: ParkedRoomParts): Room => {
  const { app, registry, homes, expiring, purge } = parts;
  const toAttempt = roomToAttempt(parts);
  return (subject, held, waiting) => {
    const parked = readParked(subject);
    if (!parked) return 0;
    const record = registry.get(parked.endpointId);
    // absent, not deleted: it waits for its record to be back, and ages
    if (!record) return parked.kind === 'first' || app === 'retrier' ? expiring(subject, held) : 0;
    if (record.state === 'deleted') {
      purge(subject);
      return 0;
    }
    if (parked.kind === 'later' && !homes.mayWorkLater(record, performance.now())) return 0;
    const room = record.enabled ? toAttempt(record, parked.kind, held, waiting) : 0;
    // an ordered endpoint's head ends in its turn
    return room > 0 || (record.enabled && record.ordered === true && parked.kind === 'first') ? room : expiring(subject, held);
  };
};

const roomToAttempt = ({ app, gate, path, switches, heads }: ParkedRoomParts): ((record: EndpointRecord, kind: ParkedKind, held: number, waiting: number) => number) => {
  return (record, kind, held, waiting) => {
    const room = (): number => gate.roomForParked(gate.line(record.id, path.settingsOf(record)));
    const of = { tenant: record.tenant, endpointId: record.id };
    if (kind === 'first' && record.ordered === true && heads) {
      // one at a time; a failed head waits while retries are suspended, and so do those behind it
      const attempt = heads.next(record.id, held);
      return attempt === 0 || (attempt > 1 && switches.suspended(of)) ? 0 : Math.min(1, room());
    }
    if (kind === 'first') return room();
    if (switches.suspended(of)) return 0;
    // beside first attempts, later ones get at most half of what the endpoint may take
    const wanted = app === 'dispatcher' ? Math.ceil(room() / 2) : room();
    return switches.promise(of, Math.min(wanted, waiting), performance.now());
  };
};
