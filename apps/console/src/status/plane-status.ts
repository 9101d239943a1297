import { BrokerRefused, type Broker } from '@spillway/jetstream';
import { allShards, bucketNames, bucketStream, managedNames, queueRow, queues, streamNames, type QueueName, type StreamName, type SubjectRow } from '@spillway/topology';
import {
  ageMs,
  calendarLateMs,
  consumerStatus,
  laneOf,
  lanesOf,
  streamStatus,
  type ConsumerInfo,
  type ConsumerStatus,
  type LaneStatus,
  type QueueStatus,
  type StreamInfo,
  type StreamStatus,
} from './measured.ts';
import type { Owners } from './owners.ts';

export type PlaneStatusAnswer = {
  streams: StreamStatus[];
  consumers: ConsumerStatus[];
  queues: QueueStatus[];
  lanes: LaneStatus[];
  /** Streams of the catalogue that the server does not have. */
  missing: string[];
};

/** The server answers a status in some 30 requests; people and pages that ask more often than this get the same one. */
const FRESH_MS = 1_000;
/** A page holds 100,000 subjects; a million endpoints that wait is more than one cell is built for. */
const MAX_SUBJECT_PAGES = 10;
const STREAM_NOT_FOUND = 10059;
const NO_MESSAGE_FOUND = 10037;

/** What waits where, asked of the server itself. */
export class PlaneStatus {
  private latest: Promise<PlaneStatusAnswer> | undefined;
  private askedAt = Number.NEGATIVE_INFINITY;

  constructor(
    private readonly broker: Broker,
    private readonly owners: Owners,
  ) {}

  /** @throws BrokerAway | OutcomeUnknown | BrokerRefused */
  async read(): Promise<PlaneStatusAnswer> {
    const now = performance.now();
    if (this.latest === undefined || now - this.askedAt >= FRESH_MS) {
      this.askedAt = now;
      this.latest = this.ask();
      // a failure is told to who asked, and not kept
      this.latest.catch(() => (this.latest = undefined));
    }
    return this.latest;
  }

  private async ask(): Promise<PlaneStatusAnswer> {
    const found = new Map(await Promise.all(managedNames.map(async (name) => [name, await this.info(name)] as const)));
    const there = (name: string): boolean => found.get(name as StreamName) !== undefined;
    const consumers = (await Promise.all(streamNames.filter(there).map((stream) => this.consumersOf(stream)))).flat();
    const subjectQueues = (Object.keys(queues) as QueueName[]).filter((name) => queueRow(name).kind === 'subjects' && there(queueRow(name).stream));
    return {
      streams: [...streamNames, ...bucketNames.map(bucketStream)].flatMap((name) => {
        const info = found.get(name);
        return info === undefined ? [] : [streamStatus(name, info)];
      }),
      consumers: consumers.map(consumerStatus),
      queues: await Promise.all(subjectQueues.map((name) => this.queueStatus(name))),
      lanes: lanesOf(await Promise.all(consumers.filter(({ name }) => laneOf(name) !== undefined).map(async (info) => ({ consumer: consumerStatus(info), oldestMs: await this.oldestUnsettledMs(info) })))),
      missing: managedNames.filter((name) => !there(name)),
    };
  }

  private async info(stream: string, body?: { subjects_filter: string; offset: number }): Promise<StreamInfo | undefined> {
    return unless(STREAM_NOT_FOUND, this.broker.api<StreamInfo>(`STREAM.INFO.${stream}`, body));
  }

  private async consumersOf(stream: StreamName): Promise<ConsumerInfo[]> {
    const all: ConsumerInfo[] = [];
    for (;;) {
      const { consumers, total } = await this.broker.api<{ consumers: ConsumerInfo[] | null; total: number }>(`CONSUMER.LIST.${stream}`, { offset: all.length });
      all.push(...(consumers ?? []));
      if (!consumers?.length || all.length >= total) return all.toSorted((a, b) => a.name.localeCompare(b.name));
    }
  }

  private async queueStatus(name: QueueName): Promise<QueueStatus> {
    const row = queueRow(name) as SubjectRow;
    const filter = row.filter.replace('<shard>', '*');
    const subjects = await this.subjectsOf(row.stream, filter);
    const waiting = [...subjects.values()].reduce((sum, count) => sum + count, 0);
    // a due time stands in the calendar's subjects; what is parked waits since it was stored
    const lateMs = name === 'calendar' ? calendarLateMs(subjects.keys(), Date.now()) : ((await this.ageFrom(row.stream, 1, filter)) ?? 0);
    return { stream: row.stream, name, waiting, lateMs, owners: this.owners.of(row.app, allShards) };
  }

  private async subjectsOf(stream: StreamName, filter: string): Promise<Map<string, number>> {
    const all = new Map<string, number>();
    for (let page = 0; page < MAX_SUBJECT_PAGES; page += 1) {
      const info = await this.info(stream, { subjects_filter: filter, offset: all.size });
      const subjects = Object.entries(info?.state.subjects ?? {});
      for (const [subject, count] of subjects) all.set(subject, count);
      if (subjects.length === 0 || all.size >= (info?.total ?? 0)) break;
    }
    return all;
  }

  /** Of what lies above the ack floor, the oldest: pending and in flight alike. */
  private async oldestUnsettledMs(info: ConsumerInfo): Promise<number | null> {
    if (info.num_pending + info.num_ack_pending === 0) return null;
    return this.ageFrom(info.stream_name, info.ack_floor.stream_seq + 1, info.config.filter_subject ?? '>');
  }

  private async ageFrom(stream: string, seq: number, filter: string): Promise<number | null> {
    const found = await unless(NO_MESSAGE_FOUND, this.broker.api<{ message: { time: string } }>(`STREAM.MSG.GET.${stream}`, { seq, next_by_subj: filter }));
    return found === undefined ? null : ageMs(found.message.time, undefined);
  }
}

/** `undefined` for the one refusal that is an answer. */
const unless = async <T>(errCode: number, answer: Promise<T>): Promise<T | undefined> => {
  try {
    return await answer;
  } catch (error) {
    if (error instanceof BrokerRefused && error.errCode === errCode) return undefined;
    throw error;
  }
};
