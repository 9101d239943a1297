import { formatSize, managedNames, type Action, type Fault, type FoundStream, type ManagedName } from '@spillway/topology';
import type { BrokerRefused } from './errors.ts';

/** The server reserves `max_bytes` of every stream: 10047 and 10023 are its own storage, 10002 the account's. */
const NO_STORAGE = new Set([10_002, 10_023, 10_047]);
const SUBJECTS_OVERLAP = 10_065;
const NEEDS_CLUSTER = 10_074;

/** @param maxBytesOf what each stream is to have in the end */
export type Storage = { maxBytesOf: (name: ManagedName) => number; found: ReadonlyMap<string, Pick<FoundStream, 'config'>> };

/** The broker's no, in words that lead on. */
export const faultOf = (error: BrokerRefused, action: Action, storage: Storage): Fault => {
  const what = `${action.do} ${'durable' in action ? action.durable : action.stream}: ${error.description} (${error.errCode})`;
  if (NO_STORAGE.has(error.errCode)) return noStorage(storage);
  if (error.errCode === SUBJECTS_OVERLAP) return { what, remedy: 'Another stream takes these subjects: find it with nats stream ls --subject, and give it others.' };
  if (error.errCode === NEEDS_CLUSTER && 'config' in action) {
    return { what, remedy: `SPILLWAY_NATS_REPLICAS=${String(action.config['num_replicas'])} needs a cluster of as many servers; a single one takes 1.` };
  }
  return { what, remedy: error.remediation };
};

const noStorage = ({ maxBytesOf, found }: Storage): Fault => {
  const wanted = managedNames.reduce((sum, name) => sum + maxBytesOf(name), 0);
  const reserved = [...found.values()].reduce((sum, { config }) => sum + Math.max(0, Number(config['max_bytes'] ?? 0)), 0);
  return {
    what: `the broker has not the storage for the plane: its streams and buckets together want ${formatSize(wanted)} on each server, of which ${formatSize(reserved)} were reserved before`,
    remedy: 'Raise max_file_store in the broker’s configuration above that sum (it defaults to 3/4 of the free disk), or lower the limits, for example SPILLWAY_MAX_BYTES_LEDGER=1GiB.',
  };
};
