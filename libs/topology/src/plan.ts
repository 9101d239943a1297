import { bucketOf, desiredConfig, desiredDurables, type Config } from './desired.ts';
import { differences, isChangeable, merged, type Difference } from './differences.ts';
import type { Limits } from './limits.ts';
import { managedNames, type ManagedName } from './managed.ts';
import { readOverrides, SHARDS_KEY, type Overrides } from './overrides.ts';
import { consumerProperties, streamProperties, VERIFIED_ON } from './properties.ts';
import { SHARDS } from './shards.ts';
import { formatSize } from './sizes.ts';

export type FoundDurable = { readonly name: string; readonly config: Readonly<Record<string, unknown>> };

/** What the server says of a stream that exists. */
export type FoundStream = {
  readonly config: Readonly<Record<string, unknown>>;
  readonly created: string;
  readonly bytes: number;
  readonly lastSequence: number;
  /** Messages on the fullest subject; asked for only where a share is about to be lowered. */
  readonly fullestSubject?: number;
  /** Of a bucket: its marker key is there. */
  readonly marked?: boolean;
  readonly durables: readonly FoundDurable[];
};

export type Question = {
  readonly limits: Limits;
  readonly found: ReadonlyMap<string, FoundStream>;
  /** Creation times as noted when they were first seen. */
  readonly pins: Readonly<Record<string, string>>;
  /** Accepted as they are now, or as they are about to be made. */
  readonly adopt: ReadonlySet<ManagedName>;
};

export type Action =
  | { readonly do: 'create stream' | 'change stream'; readonly stream: ManagedName; readonly config: Config; readonly changes: readonly Difference[] }
  | { readonly do: 'create durable' | 'change durable'; readonly stream: ManagedName; readonly durable: string; readonly config: Config; readonly changes: readonly Difference[] }
  | { readonly do: 'mark bucket'; readonly stream: ManagedName };

/** What may not be done, and what somebody does about it. */
export type Fault = { readonly what: string; readonly remedy: string };
export type Plan = { readonly actions: readonly Action[]; readonly faults: readonly Fault[]; readonly notes: readonly string[] };

type Part = { actions: Action[]; faults: Fault[]; notes: string[] };
const part = (given: Partial<Part>): Part => ({ actions: [], faults: [], notes: [], ...given });
const joined = (parts: readonly Part[]): Part => part({ actions: parts.flatMap((p) => p.actions), faults: parts.flatMap((p) => p.faults), notes: parts.flatMap((p) => p.notes) });

/** Compares what should be with what is. Pure; nothing is done while there is a fault. */
export const plan = (question: Question): Plan => joined(managedNames.map((name) => planStream(name, question)));

const planStream = (name: ManagedName, { limits, found, pins, adopt }: Question): Part => {
  const seen = found.get(name);
  const pin = adopt.has(name) ? undefined : pins[name];
  if (!seen) return pin === undefined ? creation(name, limits) : part({ faults: [lost(name, pin)] });
  if (pin !== undefined && pin !== seen.created) return part({ faults: [stranger(name, pin, seen.created)] });
  const overrides = overridesOf(name, seen);
  if (!overrides.read) return part({ faults: [overrides.fault] });
  return joined([change(name, desiredConfig(name, limits, overrides.read), seen), marking(name, seen, adopt.has(name)), durables(name, seen)]);
};

const creation = (stream: ManagedName, limits: Limits): Part =>
  part({
    actions: [
      { do: 'create stream', stream, config: desiredConfig(stream, limits), changes: [] },
      ...(bucketOf(stream) === undefined ? [] : [{ do: 'mark bucket', stream } as const]),
      ...desiredDurables(stream).map((config) => ({ do: 'create durable', stream, durable: config.name, config, changes: [] }) as const),
    ],
  });

/** Also what `spillway streams limit` runs, with other overrides. */
export const change = (name: ManagedName, wanted: Config, seen: FoundStream): Part => {
  const isBucket = bucketOf(name) !== undefined;
  const all = differences(wanted, seen.config, streamProperties, isBucket);
  const changes = all.filter(isChangeable);
  const faults = [...all.filter((it) => !isChangeable(it)).map((it) => immutable(name, it)), ...shards(name, seen), ...forgetting(name, changes, seen)];
  const config = merged(wanted, seen.config, streamProperties, isBucket);
  return part({
    actions: changes.length === 0 ? [] : [{ do: 'change stream', stream: name, config, changes }],
    faults,
    notes: changes.filter(({ property, to }) => property === 'max_bytes' && (to as number) < seen.bytes).map(() => `${name} holds ${formatSize(seen.bytes)}, more than its new limit: its writers are refused until it has drained below`),
  });
};

const shards = (name: ManagedName, { config }: FoundStream): Fault[] => {
  const pinned = ((config['metadata'] ?? {}) as Record<string, string>)[SHARDS_KEY];
  if (pinned === undefined || pinned === String(SHARDS)) return [];
  return [{ what: `${name} was made for ${pinned} shards, this version has ${SHARDS}: its messages would have owners that do not look for them`, remedy: `Run the version that has ${pinned} shards, or drain the plane, delete the stream and run spillway provision --adopt ${name}.` }];
};

/** Room below a lowered share for what is stored between asking and changing: a tenth of 200,000 is seconds of any tenant's traffic. */
const HEADROOM = 0.9;

/**
 * Lowering `max_msgs_per_subject` below what a subject holds deletes its oldest messages, with discard `new` as well (300 stored, 150 kept, tried on 2.15.1);
 * lowering `max_bytes` deletes only where the stream discards `old`.
 */
const forgetting = (name: ManagedName, changes: readonly Difference[], { config, bytes, fullestSubject = 0 }: FoundStream): Fault[] =>
  changes.flatMap(({ property, to }) => {
    const limit = to as number;
    if (property === 'max_msgs_per_subject' && lowersShare(name, limit, config) && fullestSubject > limit * HEADROOM) {
      return [{ what: `${name} holds ${fullestSubject} messages on one subject: a share of ${limit} would delete the oldest of them`, remedy: `Let it drain below ${Math.floor(limit * HEADROOM)}, or choose more than ${Math.ceil(fullestSubject / HEADROOM)}.` }];
    }
    if (property === 'max_bytes' && config['discard'] === 'old' && limit < bytes) {
      return [{ what: `${name} holds ${formatSize(bytes)} and drops its oldest to stay below its limit: ${formatSize(limit)} would delete facts`, remedy: `Choose at least ${formatSize(bytes)}, or accept that: spillway streams limit ${name} --max-bytes ${formatSize(limit)} --drop-oldest.` }];
    }
    return [];
  });

/** A bucket's history is not a share: the newest revision of each key always stays. */
export const lowersShare = (name: ManagedName, wanted: unknown, config: FoundStream['config']): boolean => {
  const now = Number(config['max_msgs_per_subject'] ?? -1);
  return bucketOf(name) === undefined && Number(wanted ?? -1) > 0 && (now <= 0 || Number(wanted) < now);
};

/** A bucket that nobody ever wrote to may be marked: provisioning died between making and marking it. Any other without a marker was emptied. */
const marking = (stream: ManagedName, { marked, lastSequence }: FoundStream, adopted: boolean): Part => {
  if (bucketOf(stream) === undefined || marked === true) return part({});
  if (lastSequence === 0 || adopted) return part({ actions: [{ do: 'mark bucket', stream }] });
  return part({ faults: [{ what: `${stream} has no marker: it was emptied, or made by somebody else`, remedy: `Restore it from a backup; if what it holds now is right: spillway provision --adopt ${stream}.` }] });
};

const durables = (stream: ManagedName, seen: FoundStream): Part => {
  const wanted = desiredDurables(stream);
  const known = new Map(seen.durables.map((durable) => [durable.name, durable]));
  const strangers = seen.durables.filter(({ name }) => !wanted.some((config) => config.name === name));
  return joined([...wanted.map((config) => durable(stream, config, known.get(config.name))), part({ notes: strangers.map(({ name }) => `${stream} has a consumer that is not in the catalogue, left alone: ${name}`) })]);
};

const durable = (stream: ManagedName, config: Config, seen: FoundDurable | undefined): Part => {
  if (!seen) return part({ actions: [{ do: 'create durable', stream, durable: config.name, config, changes: [] }] });
  const changes = differences(config, seen.config, consumerProperties);
  const faults = changes.filter((it) => !isChangeable(it)).map((it) => immutableDurable(stream, config.name, it));
  if (changes.length === 0) return part({});
  return part({ actions: [{ do: 'change durable', stream, durable: config.name, config: merged(config, seen.config, consumerProperties), changes }], faults });
};

const overridesOf = (name: ManagedName, { config }: FoundStream): { read: Overrides; fault?: never } | { read?: never; fault: Fault } => {
  try {
    return { read: readOverrides((config['metadata'] ?? {}) as Record<string, string>) };
  } catch (error) {
    return { fault: { what: `${name}: ${(error as RangeError).message}`, remedy: `Set the limit again, or go back to the configured one: spillway streams limit ${name} --reset.` } };
  }
};

const immutable = (name: ManagedName, { property, from, to }: Difference): Fault => ({
  what: `${name} has ${property} ${show(from)}, the catalogue ${show(to)}, and the server (${VERIFIED_ON}) does not change it on a stream that exists`,
  remedy: `Let the plane drain, delete the stream (nats stream rm ${name}) and run spillway provision --adopt ${name}; while it holds what must not be lost, keep it and back it up first (nats stream backup).`,
});

const immutableDurable = (stream: ManagedName, name: string, { property, from, to }: Difference): Fault => ({
  what: `the durable ${name} of ${stream} has ${property} ${show(from)}, the catalogue ${show(to)}, and the server (${VERIFIED_ON}) does not change it`,
  remedy: `Stop its app, delete the durable (nats consumer rm ${stream} ${name}) and run spillway provision: what it had not acknowledged comes again.`,
});

const lost = (name: ManagedName, pin: string): Fault => ({
  what: `${name}, made at ${pin}, is not on this broker`,
  remedy: `Point NATS_URL at the broker that holds it; if it was deleted on purpose: spillway provision --adopt ${name}.`,
});

const stranger = (name: ManagedName, pin: string, created: string): Fault => ({
  what: `${name} on this broker was made at ${created}, the one we know at ${pin}: this is another world`,
  remedy: `Point NATS_URL at the broker that holds the known one; if it was made anew on purpose: spillway provision --adopt ${name}.`,
});

export const show = (value: unknown): string => (value === undefined ? 'nothing' : typeof value === 'string' ? value : JSON.stringify(value));
