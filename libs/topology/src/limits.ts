import { bucketNames, buckets } from './buckets.ts';
import { bucketStream, type ManagedName } from './managed.ts';
import { everyStream, streamNames, streams, type StreamName, type StreamRow } from './streams.ts';
import { formatSize, parseSize, SIZE_FORM } from './sizes.ts';

/** What an operator chooses; all else about a stream is the catalogue's. */
export type Limits = {
  readonly maxBytes: Readonly<Record<ManagedName, number>>;
  /** Only of streams that have a share per subject. */
  readonly maxMessagesPerSubject: Readonly<Partial<Record<StreamName, number>>>;
  readonly replicas: number;
};

/** As service-kit's configuration faults are: what was seen is quoted. */
export type LimitFault = { readonly variable: string; readonly seen: string; readonly wanted: string };

type LimitVariable = { readonly variable: string; readonly wanted: string; readonly default: string; readonly doc: string };

const row = (name: StreamName): StreamRow => streams[name];
const variableOf = (name: StreamName): string => `SPILLWAY_MAX_BYTES_${name.replace('WEBHOOK_', '')}`;

const KV_VARIABLE = 'SPILLWAY_MAX_BYTES_KV';
const REPLICAS_VARIABLE = 'SPILLWAY_NATS_REPLICAS';
const PER_SUBJECT = {
  SPILLWAY_MAX_MESSAGES_TENANT: { stream: 'WEBHOOK_INGEST', doc: 'a tenant’s share of WEBHOOK_INGEST, per lane, in events; the server itself counts messages, of which a page of events is one' },
  SPILLWAY_MAX_MESSAGES_ENDPOINT: { stream: 'WEBHOOK_PARKED', doc: 'an endpoint’s share of WEBHOOK_PARKED, in messages' },
  SPILLWAY_MAX_MESSAGES_DEAD: { stream: 'WEBHOOK_DEAD', doc: 'dead letters a tenant, in messages' },
} as const satisfies Record<string, { stream: StreamName; doc: string }>;

const COUNT_FORM = 'a whole number above 0';
// JetStream's Raft groups: an even number tolerates no more failures than the odd one below it
const REPLICAS_FORM = '1, 3 or 5';

/** For docs/reference: every variable of `limitsFrom`. */
export const limitVariables: readonly LimitVariable[] = [
  ...streamNames.map((name) => ({ variable: variableOf(name), wanted: SIZE_FORM, default: formatSize(row(name).max_bytes), doc: `\`max_bytes\` of ${name}` })),
  { variable: KV_VARIABLE, wanted: SIZE_FORM, default: formatSize(buckets.webhook_keys.max_bytes), doc: '`max_bytes` of each KV bucket' },
  ...Object.entries(PER_SUBJECT).map(([variable, { stream, doc }]) => ({ variable, wanted: COUNT_FORM, default: String(row(stream).max_msgs_per_subject), doc })),
  { variable: REPLICAS_VARIABLE, wanted: REPLICAS_FORM, default: '1', doc: 'copies of every stream and bucket (3 on a cluster)' },
];

const parseCount = (text: string): number | undefined => (/^[1-9]\d{0,14}$/.test(text.trim()) ? Number(text) : undefined);
const parseReplicas = (text: string): number | undefined => (/^[135]$/.test(text.trim()) ? Number(text) : undefined);

/** Reads the environment. All faults at once; the limits hold the defaults where there was one. */
export const limitsFrom = (env: Readonly<Record<string, string | undefined>>): { limits: Limits; faults: LimitFault[] } => {
  const faults: LimitFault[] = [];
  const read = (variable: string, parse: (text: string) => number | undefined, wanted: string, otherwise: number): number => {
    const seen = env[variable];
    if (seen === undefined || seen === '') return otherwise;
    const value = parse(seen);
    if (value === undefined) faults.push({ variable, seen: JSON.stringify(seen), wanted });
    return value ?? otherwise;
  };
  const streamBytes = streamNames.map((name) => [name, read(variableOf(name), parseSize, SIZE_FORM, row(name).max_bytes)]);
  const bucketBytes = bucketNames.map((name) => [bucketStream(name), buckets[name].max_bytes]);
  const kvBytes = read(KV_VARIABLE, parseSize, SIZE_FORM, 0);
  const shares = Object.entries(PER_SUBJECT).map(([variable, { stream }]) => [stream, read(variable, parseCount, COUNT_FORM, row(stream).max_msgs_per_subject ?? 0)]);
  const limits = {
    maxBytes: Object.fromEntries([...streamBytes, ...bucketBytes.map(([name, bytes]) => [name, kvBytes || bytes])]) as Limits['maxBytes'],
    maxMessagesPerSubject: Object.fromEntries(shares) as Limits['maxMessagesPerSubject'],
    replicas: read(REPLICAS_VARIABLE, parseReplicas, REPLICAS_FORM, everyStream.num_replicas),
  };
  return { limits, faults };
};

export const defaultLimits: Limits = limitsFrom({}).limits;
