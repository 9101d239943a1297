import { readRetryAt } from '@spillway/topology';

/** What the server says, as far as it is read here; names as on the wire. */
export type StreamInfo = { ts?: string; total?: number; config: { max_bytes: number }; state: { messages: number; bytes: number; first_ts: string; subjects?: Record<string, number> | null } };
export type ConsumerInfo = {
  name: string;
  stream_name: string;
  config: { max_ack_pending?: number; filter_subject?: string };
  ack_floor: { stream_seq: number };
  num_pending: number;
  num_ack_pending: number;
};

export type StreamStatus = { name: string; messages: number; bytes: number; maxBytes: number; oldestMs: number | null };
export type ConsumerStatus = { stream: string; name: string; pending: number; inFlight: number; maxInFlight: number };
export type QueueStatus = { stream: string; name: string; waiting: number; lateMs: number; owners: { shard: number; owner: string }[] };
export type LaneStatus = { name: string; waiting: number; oldestMs: number | null };

/** By the server's own clock, which it sends along: ours may differ. */
export const ageMs = (since: string, serverNow: string | undefined): number => Math.max(0, (serverNow === undefined ? Date.now() : Date.parse(serverNow)) - Date.parse(since));

export const streamStatus = (name: string, { ts, config, state }: StreamInfo): StreamStatus => ({
  name,
  messages: state.messages,
  bytes: state.bytes,
  maxBytes: config.max_bytes,
  oldestMs: state.messages === 0 ? null : ageMs(state.first_ts, ts),
});

export const consumerStatus = ({ stream_name: stream, name, num_pending: pending, num_ack_pending: inFlight, config }: ConsumerInfo): ConsumerStatus => ({
  stream,
  name,
  pending,
  inFlight,
  maxInFlight: config.max_ack_pending ?? 0,
});

/** How long the earliest overdue bucket of the calendar is overdue; 0 when none is. */
export const calendarLateMs = (subjects: Iterable<string>, nowMs: number): number => {
  let lateMs = 0;
  for (const subject of subjects) {
    const due = readRetryAt(subject)?.dueAt.getTime();
    if (due !== undefined) lateMs = Math.max(lateMs, nowMs - due);
  }
  return lateMs;
};

const LANE = /^(?:dedupe|dispatcher)-(fresh|bulk|ordered)(?:-\d+)?$/;

/** `dispatcher-fresh-3` works lane `fresh`. */
export const laneOf = (consumer: string): string | undefined => LANE.exec(consumer)?.[1];

type OfLane = { consumer: ConsumerStatus; oldestMs: number | null };

/** A lane is what all its consumers have before them, from acceptance to the first attempt. */
export const lanesOf = (consumers: readonly OfLane[]): LaneStatus[] => {
  const lanes = new Map<string, LaneStatus>();
  for (const { consumer, oldestMs } of consumers) {
    const name = laneOf(consumer.name);
    if (name === undefined) continue;
    const lane = lanes.get(name) ?? { name, waiting: 0, oldestMs: null };
    const oldest = oldestMs === null ? lane.oldestMs : Math.max(oldestMs, lane.oldestMs ?? 0);
    lanes.set(name, { name, waiting: lane.waiting + consumer.pending + consumer.inFlight, oldestMs: oldest });
  }
  return [...lanes.values()];
};
