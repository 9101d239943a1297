import { managedNames, queueRow, queues, readOverrides, readRetryAt, type ManagedName, type Overrides, type QueueName, type SubjectRow } from '@spillway/topology';
import type { Broker } from './broker.ts';
import { listConsumers } from './consumer-list.ts';
import { listSubjects } from './subject-list.ts';
import { NO_SUCH_MESSAGE, NO_SUCH_STREAM, unless } from './unless.ts';

export type StreamView = {
  name: ManagedName;
  messages: number;
  /** Messages that were worked and not swept yet are among them: half a second's worth. */
  bytes: number;
  maxBytes: number;
  maxMessagesPerSubject: number | null;
  subjects: number;
  oldestMs: number | null;
  created: string;
  /** What was set by command and stands against the environment. */
  overrides: Overrides;
};

export type ConsumerView = { stream: ManagedName; name: string; pending: number; inFlight: number; maxInFlight: number; oldestMs: number | null; paused: boolean };
export type QueueView = { stream: string; name: QueueName; waiting: number; subjects: number; lateMs: number | null };
export type PlaneView = { streams: StreamView[]; consumers: ConsumerView[]; queues: QueueView[]; missing: ManagedName[] };

type StreamInfo = {
  ts: string;
  created: string;
  config: { max_bytes: number; max_msgs_per_subject: number; metadata?: Record<string, string> };
  state: { messages: number; bytes: number; first_ts: string; num_subjects?: number };
};
type ConsumerInfo = { name: string; ts: string; paused?: boolean; num_pending: number; num_ack_pending: number; ack_floor: { stream_seq: number }; config: { max_ack_pending?: number; filter_subject?: string } };

/** What is on the broker, asked of itself, ages by its own clock. Some 30 requests: for people and alarms, in no hot path. */
export const viewPlane = async (broker: Broker): Promise<PlaneView> => {
  const infos = await Promise.all(managedNames.map(async (name) => [name, await unless(NO_SUCH_STREAM, broker.api<StreamInfo>(`STREAM.INFO.${name}`))] as const));
  const found = infos.flatMap(([name, info]) => (info ? [[name, info] as const] : []));
  const there = new Set<string>(found.map(([name]) => name));
  const subjectQueues = (Object.keys(queues) as QueueName[]).filter((name) => queueRow(name).kind === 'subjects' && there.has(queueRow(name).stream));
  return {
    streams: found.map(([name, info]) => streamView(name, info)),
    consumers: (await Promise.all(found.map(async ([name]) => consumersOf(broker, name)))).flat(),
    queues: await Promise.all(subjectQueues.map(async (name) => queueView(broker, name, queueRow(name) as SubjectRow))),
    missing: managedNames.filter((name) => !there.has(name)),
  };
};

const streamView = (name: ManagedName, { ts, created, config, state }: StreamInfo): StreamView => ({
  name,
  messages: state.messages,
  bytes: state.bytes,
  maxBytes: config.max_bytes,
  maxMessagesPerSubject: config.max_msgs_per_subject > 0 ? config.max_msgs_per_subject : null,
  subjects: state.num_subjects ?? 0,
  oldestMs: state.messages === 0 ? null : age(state.first_ts, ts),
  created,
  overrides: readOverrides(config.metadata ?? {}),
});

const age = (then: string, now: string): number => Math.max(0, Date.parse(now) - Date.parse(then));

/** The ordered consumers of watches and of operators' own tools come and go: only what has a durable's name or holds something is shown. */
const consumersOf = async (broker: Broker, stream: ManagedName): Promise<ConsumerView[]> => {
  const infos = stream.startsWith('KV_') ? [] : await listConsumers<ConsumerInfo>(broker, stream);
  const views = infos.map(async (info) => ({
    stream,
    name: info.name,
    pending: info.num_pending,
    inFlight: info.num_ack_pending,
    maxInFlight: info.config.max_ack_pending ?? -1,
    oldestMs: await oldestUnsettledMs(broker, stream, info),
    paused: info.paused === true,
  }));
  return (await Promise.all(views)).toSorted((a, b) => a.name.localeCompare(b.name, 'en', { numeric: true }));
};

/** Of what lies above the ack floor, the oldest: neither of the server's two counts says how long something waits. */
const oldestUnsettledMs = async (broker: Broker, stream: string, { ts, num_pending, num_ack_pending, ack_floor, config }: ConsumerInfo): Promise<number | null> => {
  if (num_pending + num_ack_pending === 0) return null;
  const time = await storedAt(broker, stream, ack_floor.stream_seq + 1, config.filter_subject || '>');
  return time === undefined ? null : age(time, ts);
};

const storedAt = async (broker: Broker, stream: string, seq: number, filter: string): Promise<string | undefined> =>
  (await unless(NO_SUCH_MESSAGE, broker.api<{ message: { time: string } }>(`STREAM.MSG.GET.${stream}`, { seq, next_by_subj: filter })))?.message.time;

/** Late is a calendar's oldest due time, or how long the oldest parked message lies; `null` where nothing waits, or nothing is due. */
const queueView = async (broker: Broker, name: QueueName, { stream, filter }: SubjectRow): Promise<QueueView> => {
  const every = filter.replace('<shard>', '*');
  const { counts, brokerNowMs } = await listSubjects(broker, stream, every);
  const since = name === 'calendar' ? earliestDueMs(counts.keys()) : Date.parse((await storedAt(broker, stream, 1, every)) ?? '');
  return {
    stream,
    name,
    waiting: [...counts.values()].reduce((sum, count) => sum + count, 0),
    subjects: counts.size,
    lateMs: Number.isFinite(since) && since <= brokerNowMs ? brokerNowMs - since : null,
  };
};

const earliestDueMs = (subjects: Iterable<string>): number => {
  let earliest = Number.POSITIVE_INFINITY;
  for (const subject of subjects) earliest = Math.min(earliest, readRetryAt(subject)?.dueAt.getTime() ?? Number.POSITIVE_INFINITY);
  return earliest;
};
