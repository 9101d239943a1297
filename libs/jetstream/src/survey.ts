import { bucketOf, desiredConfig, lowersShare, managedNames, MARKER_KEY, readOverrides, type FoundDurable, type FoundStream, type Limits, type ManagedName, type Overrides } from '@spillway/topology';
import type { Broker } from './broker.ts';
import { BrokerRefused } from './errors.ts';

type StreamInfo = { config: Record<string, unknown>; created: string; state: { bytes: number; messages: number; last_seq: number } };
type ConsumerPage = { total: number; consumers: FoundDurable[] | null };
type SubjectPage = { total?: number; state: { subjects?: Record<string, number> } };

const NO_SUCH_STREAM = 10059;
const NO_SUCH_MESSAGE = 10037;

/** What is on the server under the catalogue's names. */
export const survey = async (broker: Broker, limits: Limits): Promise<Map<ManagedName, FoundStream>> => {
  const found = new Map<ManagedName, FoundStream>();
  for (const name of managedNames) {
    const stream = await surveyStream(broker, name, (overrides) => desiredConfig(name, limits, overrides)['max_msgs_per_subject']);
    if (stream) found.set(name, stream);
  }
  return found;
};

/** @param shareWanted what `max_msgs_per_subject` is about to be, given the overrides that the stream has */
export const surveyStream = async (broker: Broker, name: ManagedName, shareWanted: (overrides: Overrides) => unknown): Promise<FoundStream | undefined> => {
  const info = await unless(NO_SUCH_STREAM, broker.api<StreamInfo>(`STREAM.INFO.${name}`));
  if (!info) return undefined;
  const { config, created, state } = info;
  return {
    config,
    created,
    bytes: state.bytes,
    lastSequence: state.last_seq,
    // 135 ms per 100,000 subjects: asked for only when a share is to be lowered
    ...(lowersShare(name, shareWanted(overridesIn(config)), config) ? { fullestSubject: await fullestSubject(broker, name) } : {}),
    ...(bucketOf(name) === undefined ? {} : { marked: await isMarked(broker, name) }),
    durables: await durablesOf(broker, name),
  };
};

const overridesIn = (config: StreamInfo['config']): Overrides => {
  try {
    return readOverrides((config['metadata'] ?? {}) as Record<string, string>);
  } catch {
    return {}; // planning refuses them by name
  }
};

const isMarked = async (broker: Broker, name: ManagedName): Promise<boolean> => {
  const subject = `$KV.${bucketOf(name) ?? ''}.${MARKER_KEY}`;
  return (await unless(NO_SUCH_MESSAGE, broker.api(`STREAM.MSG.GET.${name}`, { last_by_subj: subject }))) !== undefined;
};

const durablesOf = async (broker: Broker, name: ManagedName): Promise<FoundDurable[]> => {
  const all: FoundDurable[] = [];
  for (;;) {
    const page = await broker.api<ConsumerPage>(`CONSUMER.LIST.${name}`, { offset: all.length });
    all.push(...(page.consumers ?? []));
    if (!page.consumers?.length || all.length >= page.total) return all;
  }
};

const fullestSubject = async (broker: Broker, name: ManagedName): Promise<number> => {
  let most = 0;
  for (let offset = 0; ; ) {
    const page = await broker.api<SubjectPage>(`STREAM.INFO.${name}`, { subjects_filter: '>', offset }, 30_000);
    const counts = Object.values(page.state.subjects ?? {});
    most = counts.reduce((a, b) => Math.max(a, b), most);
    offset += counts.length;
    if (counts.length === 0 || offset >= (page.total ?? 0)) return most;
  }
};

/** `undefined` for the one refusal that is an answer. */
const unless = async <T>(errCode: number, answer: Promise<T>): Promise<T | undefined> => {
  try {
    return await answer;
  } catch (error) {
    if (error instanceof BrokerRefused && error.errCode === errCode) return undefined;
    throw error;
  }
};
