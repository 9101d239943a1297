import type { Broker } from './broker.ts';
import { BucketKeys } from './bucket-keys.ts';
import { BrokerRefused } from './errors.ts';
import { pageKeysOf, readPageKey } from './page-key.ts';
import { Remover } from './purge.ts';
import { readSuspectKey, suspectKeysOf } from './suspect-key.ts';

const BUCKET = 'webhook_leases';
const NO_SUCH_MESSAGE = 10037;
/** A round of them; there should be none. */
const SWEPT_AT_ONCE = 500;

/**
 * Markers of suspects, and what was noted of pages, that are gone without their worker's word (an operator purged, an endpoint was deleted, a worker died between two
 * lines), and what removed keys left behind. They would fill the bucket of the leases, in years.
 * @returns how many were removed
 */
export const sweepLitter = async (broker: Broker, app: string): Promise<number> =>
  (await sweepKeys(broker, suspectKeysOf(app), readSuspectKey)) + (await sweepKeys(broker, pageKeysOf(app), readPageKey));

const sweepKeys = async (broker: Broker, all: string, read: (key: string) => { stream: string; sequence: number } | undefined): Promise<number> => {
  const keys = new BucketKeys(broker, BUCKET);
  const filter = keys.subjectOf(all);
  const { state } = await broker.api<{ state: { last_seq: number; subjects?: Record<string, number> } }>(`STREAM.INFO.KV_${BUCKET}`, { subjects_filter: filter });
  const prefix = keys.subjectOf('').length;
  let removed = 0;
  for (const subject of Object.keys(state.subjects ?? {}).slice(0, SWEPT_AT_ONCE)) {
    const key = subject.slice(prefix);
    const of = read(key);
    if (!of || (await isStored(broker, of.stream, of.sequence))) continue;
    const entry = await keys.read(key);
    if (entry) await keys.remove(key, entry.revision);
    // below the newest message of the bucket, by which a watch that begins is measured
    else await Remover.of(broker).purge(`KV_${BUCKET}`, { filter: subject, seq: state.last_seq });
    removed += 1;
  }
  return removed;
};

const isStored = async (broker: Broker, stream: string, seq: number): Promise<boolean> => {
  try {
    await broker.api(`STREAM.MSG.GET.${stream}`, { seq });
    return true;
  } catch (error) {
    if (error instanceof BrokerRefused && error.errCode === NO_SUCH_MESSAGE) return false;
    throw error;
  }
};
