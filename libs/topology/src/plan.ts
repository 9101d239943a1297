import { bucketOf, desiredConfig, desiredDurables, type Config } from './desired.ts';
import { differences, isChangeable, merged, type Difference } from './differences.ts';
import { fault, type Fault } from './faults.ts';
import type { Limits } from './limits.ts';
import { managedNames, type ManagedName } from './managed.ts';
import { readOverrides, SHARDS_KEY, type Overrides } from './overrides.ts';
import { consumerProperties, streamProperties } from './properties.ts';
import { SHARDS } from './shards.ts';
import { formatSize } from './sizes.ts';
import { worldFaults } from './world-faults.ts';

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

export type Plan = { readonly actions: readonly Action[]; readonly faults: readonly Fault[]; readonly notes: readonly string[] };

const NOTHING: Plan = { actions: [], faults: [], notes: [] };
const joined = (...plans: readonly Plan[]): Plan => ({ actions: plans.flatMap((p) => p.actions), faults: plans.flatMap((p) => p.faults), notes: plans.flatMap((p) => p.notes) });

/** Compares what should be with what is. Pure; whoever carries it out does nothing while there is a fault. */
export const plan = ({ limits, found, pins, adopt }: Question): Plan => {
  const faults = worldFaults(pins, (name) => found.get(name)?.created, adopt);
  const isKnown = (name: ManagedName): boolean => adopt.has(name) || pins[name] === undefined || pins[name] === found.get(name)?.created;
  const whole = joined({ ...NOTHING, faults }, ...managedNames.filter(isKnown).map((name) => planStream(name, limits, found.get(name), adopt.has(name))));
  return { ...whole, actions: [...whole.actions.filter(givesRoom), ...whole.actions.filter((action) => !givesRoom(action))] };
};

/** First: the server reserves `max_bytes`, so what one stream gives up another may need. */
const givesRoom = (action: Action): boolean => action.do === 'change stream' && action.changes.some(({ property, from, to }) => property === 'max_bytes' && Number(to) < Number(from));

const planStream = (name: ManagedName, limits: Limits, seen: FoundStream | undefined, adopted: boolean): Plan => {
  if (!seen) return creation(name, limits);
  return joined(withOverrides(name, seen, (overrides) => planChange(name, desiredConfig(name, limits, overrides), seen)), marking(name, seen, adopted), planDurables(name, seen));
};

const creation = (stream: ManagedName, limits: Limits): Plan => ({
  ...NOTHING,
  actions: [
    { do: 'create stream', stream, config: desiredConfig(stream, limits), changes: [] },
    ...(bucketOf(stream) === undefined ? [] : [{ do: 'mark bucket', stream } as const]),
    ...desiredDurables(stream).map((config) => ({ do: 'create durable', stream, durable: config.name, config, changes: [] }) as const),
  ],
});

const withOverrides = (name: ManagedName, { config }: FoundStream, then: (overrides: Overrides) => Plan): Plan => {
  try {
    return then(readOverrides((config['metadata'] ?? {}) as Record<string, string>));
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    return { ...NOTHING, faults: [fault.badOverride(name, error.message)] };
  }
};

/** One stream's configuration. Also what `spillway streams limit` runs, with other overrides. */
export const planChange = (name: ManagedName, wanted: Config, seen: FoundStream, { mayForget = false } = {}): Plan => {
  const isBucket = bucketOf(name) !== undefined;
  const all = differences(wanted, seen.config, streamProperties, isBucket);
  const changes = all.filter(isChangeable);
  const lower = changes.find(({ property, to }) => property === 'max_bytes' && (to as number) < seen.bytes);
  return {
    actions: changes.length === 0 ? [] : [{ do: 'change stream', stream: name, config: merged(wanted, seen.config, streamProperties, isBucket), changes }],
    faults: [...all.filter((it) => !isChangeable(it)).map((it) => fault.immutable(name, it)), ...shards(name, seen), ...(mayForget ? [] : forgetting(name, changes, seen))],
    notes: lower && wanted['discard'] === 'new' ? [`${name} holds ${formatSize(seen.bytes)}, more than its new limit: its writers are refused until it has drained below`] : [],
  };
};

const shards = (name: ManagedName, { config }: FoundStream): Fault[] => {
  const pinned = ((config['metadata'] ?? {}) as Record<string, string>)[SHARDS_KEY];
  return pinned === undefined || pinned === String(SHARDS) ? [] : [fault.shards(name, pinned, SHARDS)];
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
    if (property === 'max_msgs_per_subject' && lowersShare(name, limit, config) && fullestSubject > limit * HEADROOM) return [fault.shareInUse(name, limit, fullestSubject, HEADROOM)];
    if (property === 'max_bytes' && config['discard'] === 'old' && limit < bytes) return [fault.forgets(name, limit, bytes)];
    return [];
  });

/** A bucket's history is not a share: the newest revision of each key always stays. */
export const lowersShare = (name: ManagedName, wanted: unknown, config: FoundStream['config']): boolean => {
  const now = Number(config['max_msgs_per_subject'] ?? -1);
  return bucketOf(name) === undefined && Number(wanted ?? -1) > 0 && (now <= 0 || Number(wanted) < now);
};

/** A bucket that nobody ever wrote to may be marked: provisioning died between making and marking it. Any other without a marker was emptied. */
const marking = (stream: ManagedName, { marked, lastSequence }: FoundStream, adopted: boolean): Plan => {
  if (bucketOf(stream) === undefined || marked === true) return NOTHING;
  return lastSequence === 0 || adopted ? { ...NOTHING, actions: [{ do: 'mark bucket', stream }] } : { ...NOTHING, faults: [fault.unmarked(stream)] };
};

const planDurables = (stream: ManagedName, seen: FoundStream): Plan => {
  const wanted = desiredDurables(stream);
  const known = new Map(seen.durables.map((durable) => [durable.name, durable]));
  // without a durable name it is somebody who watches for the moment: every app watches buckets in this way
  const strangers = seen.durables.filter(({ name, config }) => config['durable_name'] !== undefined && !wanted.some((ours) => ours.name === name));
  const notes = strangers.map(({ name }) => `${stream} has a consumer that is not in the catalogue, left alone: ${name}`);
  return joined(...wanted.map((config) => planDurable(stream, config, known.get(config.name))), { ...NOTHING, notes });
};

const planDurable = (stream: ManagedName, config: Config, seen: FoundDurable | undefined): Plan => {
  if (!seen) return { ...NOTHING, actions: [{ do: 'create durable', stream, durable: config.name, config, changes: [] }] };
  const all = differences(config, seen.config, consumerProperties);
  const changes = all.filter(isChangeable);
  return {
    ...NOTHING,
    actions: changes.length === 0 ? [] : [{ do: 'change durable', stream, durable: config.name, config: merged(config, seen.config, consumerProperties), changes }],
    faults: all.filter((it) => !isChangeable(it)).map((it) => fault.immutableDurable(stream, config.name, it)),
  };
};
