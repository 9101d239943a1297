import { GIB, nanosOfSeconds } from './units.ts';

/** The part of JetStream's stream configuration that we declare; names as on the wire. */
export type StreamRow = {
  readonly subjects: readonly string[];
  readonly discard: 'new' | 'old';
  /** Bytes on disk. No stream without: an unbounded queue is the Onfido outage waiting to happen. */
  readonly max_bytes: number;
  readonly max_msgs_per_subject?: number;
  readonly discard_new_per_subject?: boolean;
  /** Nanoseconds. */
  readonly max_age?: number;
  /** Nanoseconds: how long a `Nats-Msg-Id` is remembered. */
  readonly duplicate_window: number;
  readonly holds: string;
  /** Shares of `max_bytes`, 0..1: said before the quota is reached. */
  readonly alert: { readonly warnRatio: number; readonly pageRatio: number };
};

/** As long as a mover or a fan-out may need to repeat itself after a crash; the second net against duplicates. 233 B of broker memory an id. */
export const ID_WINDOW_SECONDS = 120;

const quota = { warnRatio: 0.5, pageRatio: 0.75 } as const;
const bounded = { discard: 'new', max_bytes: GIB, duplicate_window: nanosOfSeconds(ID_WINDOW_SECONDS), alert: quota } as const;

export const streams = {
  WEBHOOK_INGEST: {
    ...bounded,
    subjects: ['webhook.ingest.*.*'],
    // a tenant's share, a lane: 200,000 messages. Always with discard_new_per_subject: without it the server replaces silently (5 acked, 3 kept, tried)
    max_msgs_per_subject: 200_000,
    discard_new_per_subject: true,
    holds: 'accepted events not yet routed',
  },
  WEBHOOK_DELIVERY: {
    ...bounded,
    subjects: ['webhook.delivery.fresh.*', 'webhook.delivery.bulk.*'],
    holds: 'one message per (event, endpoint) waiting for its turn',
  },
  WEBHOOK_RETRY: {
    ...bounded,
    subjects: ['webhook.retry.at.*.*.*'],
    holds: 'the calendar: the subject is the due time, and a name in the past is overdue',
  },
  WEBHOOK_PARKED: {
    ...bounded,
    subjects: ['webhook.parked.first.*.*', 'webhook.parked.later.*.*'],
    max_msgs_per_subject: 400_000,
    discard_new_per_subject: true,
    holds: 'deliveries that wait for their endpoint: at its cap, circuit open, over its rate, or ordered',
  },
  WEBHOOK_DEAD: {
    ...bounded,
    subjects: ['webhook.dead.endpoint.*', 'webhook.dead.pipeline.*'],
    max_msgs_per_subject: 100_000,
    discard_new_per_subject: true,
    max_age: nanosOfSeconds(30 * 86_400),
    holds: 'what was given up, by whose fault, replayable',
  },
  WEBHOOK_LEDGER: {
    ...bounded,
    subjects: ['webhook.ledger.*'],
    // the one stream that may forget: it drops its oldest facts, after two alerts
    discard: 'old',
    max_bytes: 4 * GIB,
    max_age: nanosOfSeconds(10 * 86_400),
    holds: 'the facts: what happened, in order, in pages of lines',
  },
} as const satisfies Record<string, StreamRow>;

export type StreamName = keyof typeof streams;
export const streamNames = Object.keys(streams) as StreamName[];

/** The same for all: file storage, `limits` retention (swept behind the ack floor: each ack on a workqueue stream is a disk sync of its own, 4.2 k/s against 94 k/s). */
export const everyStream = { storage: 'file', retention: 'limits', allow_direct: true, allow_atomic: true, num_replicas: 1 } as const;
