import { bucketOf, desiredConfig, lowersShare, managedNames, MARKER_KEY, readOverrides, type FoundDurable, type FoundStream, type Limits, type ManagedName, type Overrides } from '@spillway/topology';
import type { Broker } from './broker.ts';
import { listConsumers } from './consumer-list.ts';
import { listSubjects } from './subject-list.ts';
import { NO_SUCH_MESSAGE, NO_SUCH_STREAM, unless } from './unless.ts';

type StreamInfo = { config: Record<string, unknown>; created: string; state: { bytes: number; last_seq: number } };

/** What is on the server under the catalogue's names. */
export const survey = async (broker: Broker, limits: Limits): Promise<Map<ManagedName, FoundStream>> => {
  const found = new Map<ManagedName, FoundStream>();
  for (const name of managedNames) {
    const seen = await surveyStream(broker, name);
    if (seen) found.set(name, await withFullestSubject(broker, name, desiredConfig(name, limits, overridesIn(seen))['max_msgs_per_subject'], seen));
  }
  return found;
};

/** `undefined` where there is none. */
export const surveyStream = async (broker: Broker, name: ManagedName): Promise<FoundStream | undefined> => {
  const info = await unless(NO_SUCH_STREAM, broker.api<StreamInfo>(`STREAM.INFO.${name}`));
  if (!info) return undefined;
  return {
    config: info.config,
    created: info.created,
    bytes: info.state.bytes,
    lastSequence: info.state.last_seq,
    ...(bucketOf(name) === undefined ? {} : { marked: await isMarked(broker, name) }),
    durables: await listConsumers<FoundDurable>(broker, name),
  };
};

/** 135 ms per 100,000 subjects: asked for only when a share is to be lowered. */
export const withFullestSubject = async (broker: Broker, name: ManagedName, shareWanted: unknown, seen: FoundStream): Promise<FoundStream> => {
  if (!lowersShare(name, shareWanted, seen.config)) return seen;
  const { counts } = await listSubjects(broker, name, '>');
  return { ...seen, fullestSubject: [...counts.values()].reduce((most, count) => Math.max(most, count), 0) };
};

/** None where somebody wrote nonsense there: planning refuses that by name, a new limit replaces it. */
export const overridesIn = ({ config }: Pick<FoundStream, 'config'>): Overrides => {
  try {
    return readOverrides((config['metadata'] ?? {}) as Record<string, string>);
  } catch (error) {
    if (error instanceof RangeError) return {};
    throw error;
  }
};

const isMarked = async (broker: Broker, name: ManagedName): Promise<boolean> => {
  const subject = `$KV.${bucketOf(name) ?? ''}.${MARKER_KEY}`;
  return (await unless(NO_SUCH_MESSAGE, broker.api(`STREAM.MSG.GET.${name}`, { last_by_subj: subject }))) !== undefined;
};
