import type { StreamName } from './streams.ts';
import { nanosOfSeconds } from './units.ts';

/** The part of a durable's configuration that we declare; names as on the wire. */
type ConsumerSettings = { readonly ack_policy: 'explicit'; readonly ack_wait: number; readonly max_ack_pending: number; readonly max_deliver: -1 };

type Worked = {
  readonly stream: StreamName;
  readonly app: string;
  /** A second app that works some of it: never the same message, by a rule of the rows' own. */
  readonly alsoBy?: string;
};

/** A durable: messages are pulled, and removed by ack and sweep. `perShard`: one durable a shard, worked by the shard's owner. */
export type ConsumerRow = Worked & {
  readonly kind: 'consumer';
  readonly perShard: boolean;
  /** Worked by one replica at a time, under a lease of its own, in the order of the stream. */
  readonly inSequence?: true;
  /** With `<shard>` where the shard's number goes. */
  readonly filter: string;
  readonly config: ConsumerSettings;
  readonly alert: { readonly oldestAgeMaxMs: number; readonly inFlightRatioMax: number };
};

/** Subjects that a shard's owner reads and removes from in place: no durable, no acks. */
export type SubjectRow = Worked & {
  readonly kind: 'subjects';
  readonly perShard: true;
  readonly filter: string;
  readonly alert: { readonly latenessMaxMs: number };
};

// ack_wait: whoever holds a message longer than 2 s says working(); max_deliver without limit: after it both lag figures read 0 with messages undelivered
const worker = (maxAckPending: number): ConsumerSettings => ({ ack_policy: 'explicit', ack_wait: nanosOfSeconds(5), max_ack_pending: maxAckPending, max_deliver: -1 });

/** One row for each thing that is worked. Provisioning, the apps' boot, the watchdog and docs/reference/topology.md all read it; without its alert a row does not compile. */
export const queues = {
  'dedupe-fresh': {
    kind: 'consumer',
    stream: 'WEBHOOK_INGEST',
    app: 'dedupe',
    perShard: false,
    filter: 'webhook.ingest.fresh.*',
    config: worker(5_000),
    alert: { oldestAgeMaxMs: 5_000, inFlightRatioMax: 0.8 },
  },
  // A flood waits here for as long as it takes: an hour means that it does not move. Fewer in flight: what was taken waits in dedupe's memory when DELIVERY is at 60 %
  'dedupe-bulk': {
    kind: 'consumer',
    stream: 'WEBHOOK_INGEST',
    app: 'dedupe',
    perShard: false,
    filter: 'webhook.ingest.bulk.*',
    config: worker(2_000),
    alert: { oldestAgeMaxMs: 3_600_000, inFlightRatioMax: 0.8 },
  },
  // One replica at a time. Few in flight: one pull brings all that was given out and not settled, and an ordered endpoint takes one after the other anyway
  'dedupe-ordered': {
    kind: 'consumer',
    stream: 'WEBHOOK_INGEST',
    app: 'dedupe',
    perShard: false,
    inSequence: true,
    filter: 'webhook.ingest.ordered.*',
    config: worker(128),
    // all of them in hand is its usual state under load; 15 s: a takeover rests for 5.5 s after the 4 s of the lease
    alert: { oldestAgeMaxMs: 15_000, inFlightRatioMax: 1 },
  },
  'dispatcher-fresh': {
    kind: 'consumer',
    stream: 'WEBHOOK_DELIVERY',
    app: 'dispatcher',
    perShard: true,
    filter: 'webhook.delivery.fresh.<shard>',
    config: worker(2_048),
    alert: { oldestAgeMaxMs: 5_000, inFlightRatioMax: 0.8 },
  },
  'dispatcher-bulk': {
    kind: 'consumer',
    stream: 'WEBHOOK_DELIVERY',
    app: 'dispatcher',
    perShard: true,
    filter: 'webhook.delivery.bulk.<shard>',
    config: worker(2_048),
    alert: { oldestAgeMaxMs: 3_600_000, inFlightRatioMax: 0.8 },
  },
  'parked-first': {
    kind: 'subjects',
    stream: 'WEBHOOK_PARKED',
    app: 'dispatcher',
    perShard: true,
    filter: 'webhook.parked.first.<shard>.*',
    alert: { latenessMaxMs: 60_000 },
  },
  'parked-later': {
    kind: 'subjects',
    stream: 'WEBHOOK_PARKED',
    app: 'retrier',
    // the later attempts of single-home endpoints (ordered, rate-limited, or with a cap of 1): their one home is the dispatcher's
    alsoBy: 'dispatcher',
    perShard: true,
    filter: 'webhook.parked.later.<shard>.*',
    alert: { latenessMaxMs: 60_000 },
  },
  calendar: {
    kind: 'subjects',
    stream: 'WEBHOOK_RETRY',
    app: 'retrier',
    perShard: true,
    filter: 'webhook.retry.at.<shard>.*.*',
    alert: { latenessMaxMs: 30_000 },
  },
} as const satisfies Record<string, ConsumerRow | SubjectRow>;

export type QueueName = keyof typeof queues;
export type ConsumerName = { [K in QueueName]: (typeof queues)[K]['kind'] extends 'consumer' ? K : never }[QueueName];
export type SubjectQueueName = Exclude<QueueName, ConsumerName>;

/** The row, as its general type: code that works any queue reads it so. */
export const queueRow = (name: QueueName): ConsumerRow | SubjectRow => queues[name];

/** The durable's name on the server: `dispatcher-fresh-3`, or `dedupe-fresh` where there are no shards. */
export const durableName = (name: QueueName, shard?: number): string => (shard === undefined ? name : `${name}-${shard}`);

export const filterOf = (row: ConsumerRow | SubjectRow, shard?: number): string => row.filter.replace('<shard>', String(shard));

/** Every queue of an app, by name: what its handlers must be. */
export const queuesOf = (app: string): QueueName[] => (Object.keys(queues) as QueueName[]).filter((name) => queueRow(name).app === app || queueRow(name).alsoBy === app);
