import { bucketNames, buckets } from './buckets.ts';
import { limitVariables } from './limits.ts';
import { bucketStream } from './managed.ts';
import { consumerProperties, streamProperties, VERIFIED_ON, type PropertyRow } from './properties.ts';
import { durableName, queueRow, queues, type ConsumerRow, type QueueName, type SubjectRow } from './queues.ts';
import { SHARDS } from './shards.ts';
import { formatSize } from './sizes.ts';
import { ID_WINDOW_SECONDS, streamNames, streams, type StreamName, type StreamRow } from './streams.ts';

const table = (heads: readonly string[], rows: readonly (readonly string[])[]): string => [heads, heads.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n');

const code = (text: string): string => `\`${text}\``;
const count = (n: number): string => n.toLocaleString('en-US');
const percent = (ratio: number): string => `${ratio * 100} %`;
const days = (nanos: number): string => `${nanos / 86_400e9} d`;
const seconds = (ms: number): string => `${ms / 1_000} s`;

const rowOf = (name: StreamName): StreamRow => streams[name];
const queueNames = Object.keys(queues) as QueueName[];

const streamLine = (name: StreamName): string[] => {
  const { subjects, discard, max_bytes, max_msgs_per_subject: share, max_age: age, holds, alert } = rowOf(name);
  return [
    code(name),
    subjects.map(code).join('<br>'),
    holds,
    discard === 'new' ? 'refuses' : '**drops its oldest**',
    formatSize(max_bytes),
    share === undefined ? '' : count(share),
    age === undefined ? '' : days(age),
    `${percent(alert.warnRatio)} / ${percent(alert.pageRatio)}`,
  ];
};

const consumerLine = (name: QueueName, { stream, app, perShard, filter, config, alert }: ConsumerRow): string[] => [
  code(perShard ? durableName(name).concat('-<shard>') : name),
  code(stream),
  app,
  code(filter),
  `${config.ack_wait / 1e9} s`,
  count(config.max_ack_pending),
  `oldest ${seconds(alert.oldestAgeMaxMs)}, in flight ${percent(alert.inFlightRatioMax)}`,
];

const subjectLine = (name: QueueName, { stream, app, alsoBy, filter, alert }: SubjectRow): string[] => [code(name), code(stream), alsoBy === undefined ? app : `${app}, ${alsoBy}`, code(filter), `late ${seconds(alert.latenessMaxMs)}`];

const bucketLine = (name: (typeof bucketNames)[number]): string[] => {
  const { holds, history, max_bytes, alert } = buckets[name];
  return [code(name), code(bucketStream(name)), holds, String(history), formatSize(max_bytes), `${percent(alert.warnRatio)} / ${percent(alert.pageRatio)}`];
};

const mutabilityLine = ([property, { mutability }]: [string, PropertyRow]): string[] => [code(property), { mutable: 'yes', 'enable-only': 'on, never off again', immutable: 'no' }[mutability]];

const consumers = (): string[][] =>
  queueNames.flatMap((name) => {
    const row = queueRow(name);
    return row.kind === 'consumer' ? [consumerLine(name, row)] : [];
  });

const subjectQueues = (): string[][] =>
  queueNames.flatMap((name) => {
    const row = queueRow(name);
    return row.kind === 'subjects' ? [subjectLine(name, row)] : [];
  });

/** Says how to make the file again: the test that compares the two repeats it. */
export const REGENERATE = 'npx nx run topology:document';

/** docs/reference/topology.md, whole. */
export const topologyDocument = (): string => `<!-- Made from libs/topology by \`${REGENERATE}\`. Changes here are lost; a test compares. -->

# Topology

Everything that is worked, on the broker, from one catalogue: provisioning, the apps’ boot, the watchdog and this page read the same rows. A row without its alert does not compile.

## Streams

${table(['stream', 'subjects', 'holds', 'when full', 'bytes', 'messages a subject', 'age', 'warns / pages at'], streamNames.map(streamLine))}

All of them: file storage, \`limits\` retention (swept behind what is settled), \`allow_direct\`, \`allow_atomic\`; a \`Nats-Msg-Id\` is remembered for ${ID_WINDOW_SECONDS} s. A share per subject always refuses (\`discard_new_per_subject\`).

## Durables

${table(['durable', 'stream', 'app', 'filter', 'ack wait', 'in flight at most', 'alert'], consumers())}

Deliveries are not counted (\`max_deliver\` −1). \`<shard>\` is 0 … ${SHARDS - 1}: hash of the endpoint’s id modulo ${SHARDS}, fixed when a plane is first provisioned.

## Subject queues

Read by subject and removed in place by the shard’s owner: no durable, no acks.

${table(['queue', 'stream', 'app', 'subjects', 'alert'], subjectQueues())}

## Buckets

${table(['bucket', 'stream', 'holds', 'history', 'bytes', 'warns / pages at'], bucketNames.map(bucketLine))}

Each holds a key \`marker\`, written when provisioning makes the bucket: one without it was emptied, and nothing is concluded from what it does not hold.

## Limits

From the environment of \`spillway provision\`. One stream’s limit is raised at any time by \`spillway streams limit <STREAM> --max-bytes 8GiB\`; that is kept in the stream’s metadata and stands against the environment until \`--reset\`.

${table(
  ['variable', 'is', 'wanted', 'default'],
  limitVariables.map(({ variable, doc, wanted, default: otherwise }) => [code(variable), doc, wanted, otherwise]),
)}

The server reserves the sum when it makes the streams, on each of its replicas.

## What can be changed on what exists

Asked of nats-server ${VERIFIED_ON}. What cannot is refused by \`spillway provision\`, with what to do about it. Lowering \`max_msgs_per_subject\` below what a subject holds would delete its oldest messages, so that is refused as well; lowering \`max_bytes\` deletes nothing where a full stream refuses.

${table(['of a stream or bucket', 'changed'], Object.entries(streamProperties).map(mutabilityLine))}

${table(['of a durable', 'changed'], Object.entries(consumerProperties).map(mutabilityLine))}
`;
