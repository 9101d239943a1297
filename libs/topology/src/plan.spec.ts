import { desiredConfig, desiredDurables } from './desired.ts';
import { defaultLimits, type Limits } from './limits.ts';
import { managedNames, type ManagedName } from './managed.ts';
import { plan, type FoundStream, type Plan } from './plan.ts';
import { SHARDS } from './shards.ts';

const CREATED = '2026-01-01T00:00:00Z';

/** As the server has it after provisioning, with what the test changes. */
const standing = (name: ManagedName, config: Record<string, unknown> = {}, over: Partial<FoundStream> = {}): FoundStream => ({
  config: { ...desiredConfig(name, defaultLimits), ...config },
  created: CREATED,
  bytes: 0,
  lastSequence: 1,
  ...(name.startsWith('KV_') ? { marked: true } : {}),
  durables: desiredDurables(name).map((durable) => ({ name: durable.name, config: durable })),
  ...over,
});

const ask = (changed: Partial<Record<ManagedName, FoundStream | undefined>>, { limits = defaultLimits, pins = {}, adopt = [] }: { limits?: Limits; pins?: Record<string, string>; adopt?: ManagedName[] } = {}): Plan => {
  const all = managedNames.map((name) => [name, name in changed ? changed[name] : standing(name)] as const);
  return plan({ limits, pins, adopt: new Set(adopt), found: new Map(all.flatMap(([name, stream]) => (stream ? [[name, stream]] : []))) });
};

const whats = ({ faults }: Plan) => faults.map(({ what }) => what);
const did = ({ actions }: Plan) => actions.map((action) => `${action.do} ${'durable' in action ? action.durable : action.stream}`);
const changesOf = ({ actions }: Plan) => actions.flatMap((action) => ('changes' in action ? action.changes.map(({ property, from, to }) => [property, from, to]) : []));

const overridden = (metadata: Record<string, string>, config: Record<string, unknown> = {}) =>
  standing('WEBHOOK_INGEST', { ...config, metadata: { ...desiredConfig('WEBHOOK_INGEST', defaultLimits).metadata, ...metadata } });
const lowered = (name: ManagedName, bytes: number) => ({ ...defaultLimits, maxBytes: { ...defaultLimits.maxBytes, [name]: bytes } });
/** How many faults a share of that size is, with so many messages on the fullest subject. */
const shareFaults = (wanted: number, fullestSubject: number): number =>
  ask({ WEBHOOK_INGEST: standing('WEBHOOK_INGEST', {}, { fullestSubject }) }, { limits: { ...defaultLimits, maxMessagesPerSubject: { ...defaultLimits.maxMessagesPerSubject, WEBHOOK_INGEST: wanted } } }).faults.length;
const unmarked = (lastSequence: number) => ({ KV_webhook_keys: standing('KV_webhook_keys', {}, { marked: false, lastSequence }) });
const holding = (name: ManagedName) => ({ [name]: standing(name, {}, { bytes: 2_000 }) });

it('has nothing to do where all is as it should be', () => {
  expect(ask({})).toEqual({ actions: [], faults: [], notes: [] });
});

it('does not care for the order of subjects, what the server adds, or what it leaves out', () => {
  const subjects = (desiredConfig('WEBHOOK_DELIVERY', defaultLimits)['subjects'] as string[]).toReversed();
  expect(ask({ WEBHOOK_DELIVERY: standing('WEBHOOK_DELIVERY', { subjects, compression: 's2', max_msgs: -1, consumer_limits: {}, metadata: { ...desiredConfig('WEBHOOK_DELIVERY', defaultLimits).metadata, '_nats.ver': '2.15.1' } }) }).actions).toEqual([]);
});

it('makes everything on an empty broker: buckets with their marker, sharded durables once a shard', () => {
  const made = did(plan({ limits: defaultLimits, found: new Map(), pins: {}, adopt: new Set() }));
  expect(made.filter((it) => it.startsWith('create stream'))).toHaveLength(managedNames.length);
  expect(made.filter((it) => it.startsWith('mark bucket'))).toHaveLength(4);
  expect(made.filter((it) => it.startsWith('create durable dispatcher-fresh-'))).toHaveLength(SHARDS);
  // a durable after its stream
  expect(made.indexOf('create stream WEBHOOK_INGEST')).toBeLessThan(made.indexOf('create durable dedupe-fresh'));
});

it('keeps what the server has beside our wishes when it changes something', () => {
  const { actions } = ask({ WEBHOOK_DEAD: standing('WEBHOOK_DEAD', { max_age: 1, description: 'mine', metadata: { theirs: 'x' }, max_msgs: 5 }) });
  expect(actions).toMatchObject([{ do: 'change stream', config: { description: 'mine', metadata: { theirs: 'x' }, max_msgs: -1, name: 'WEBHOOK_DEAD' } }]);
});

it('does not mind a bucket that denies deletes, as another client makes it', () => {
  expect(ask({ KV_webhook_keys: standing('KV_webhook_keys', { deny_delete: true, allow_atomic: true }) }).actions).toEqual([]);
  expect(whats(ask({ WEBHOOK_RETRY: standing('WEBHOOK_RETRY', { deny_delete: true }) }))).toEqual([expect.stringContaining('deny_delete true')]);
});

describe('overrides set by command', () => {
  it('stand against the environment', () => {
    const stream = overridden({ 'spillway-max-bytes': '5000', 'spillway-max-messages-per-subject': '7' }, { max_bytes: 5_000, max_msgs_per_subject: 7 });
    expect(ask({ WEBHOOK_INGEST: stream }, { limits: { ...defaultLimits, maxBytes: { ...defaultLimits.maxBytes, WEBHOOK_INGEST: 1 } } }).actions).toEqual([]);
  });

  it('are put back where somebody changed the limit beside them', () => {
    expect(changesOf(ask({ WEBHOOK_INGEST: overridden({ 'spillway-max-bytes': '5000' }) }))).toEqual([['max_bytes', 2 ** 30, 5_000]]);
  });

  it('are refused when they are no number', () => {
    const { faults, actions } = ask({ WEBHOOK_INGEST: overridden({ 'spillway-max-bytes': '8GiB' }) });
    expect(faults).toEqual([{ what: expect.stringContaining('metadata spillway-max-bytes is "8GiB"'), remedy: expect.stringContaining('spillway streams limit WEBHOOK_INGEST --reset') }]);
    expect(actions).toEqual([]);
  });
});

describe('shards', () => {
  it('are noted on the streams that are sorted by them, where that is missing', () => {
    expect(changesOf(ask({ WEBHOOK_PARKED: standing('WEBHOOK_PARKED', { metadata: {} }) }))).toEqual([['metadata.spillway-shards', undefined, String(SHARDS)]]);
    expect(desiredConfig('WEBHOOK_INGEST', defaultLimits).metadata).toEqual({});
  });

  it('of another number are refused', () => {
    expect(whats(ask({ WEBHOOK_PARKED: standing('WEBHOOK_PARKED', { metadata: { 'spillway-shards': '4' } }) }))).toContainEqual(expect.stringContaining('made for 4 shards, this version has 8'));
  });
});

describe('known streams', () => {
  const pins = Object.fromEntries(managedNames.map((name) => [name, CREATED]));

  it('are themselves', () => expect(ask({}, { pins }).faults).toEqual([]));

  it('that are gone or others are refused one by one, and nothing else is said of them', () => {
    const others = { WEBHOOK_DEAD: undefined, WEBHOOK_RETRY: standing('WEBHOOK_RETRY', { storage: 'memory' }, { created: '2027-01-01T00:00:00Z' }) };
    expect(whats(ask(others, { pins }))).toEqual([expect.stringMatching(/^WEBHOOK_RETRY on this broker was made at 2027/), expect.stringMatching(/^WEBHOOK_DEAD, made at 2026.*is not on this broker/)]);
    expect(did(ask({ WEBHOOK_DEAD: undefined }, { pins, adopt: ['WEBHOOK_DEAD'] }))).toEqual(['create stream WEBHOOK_DEAD']);
  });

  it('that are all gone are one fault', () => {
    expect(plan({ limits: defaultLimits, found: new Map(), pins, adopt: new Set() })).toMatchObject({ actions: [], faults: [{ what: expect.stringContaining('none of the 10') }] });
  });
});

it('marks a bucket only when nobody ever wrote to it, or somebody says so', () => {
  expect(did(ask(unmarked(0)))).toEqual(['mark bucket KV_webhook_keys']);
  expect(whats(ask(unmarked(3)))).toEqual([expect.stringContaining('KV_webhook_keys has no marker')]);
  expect(did(ask(unmarked(3), { adopt: ['KV_webhook_keys'] }))).toEqual(['mark bucket KV_webhook_keys']);
});

describe('lowering', () => {
  it('comes first, so that what one stream gives up another may take', () => {
    const limits = { ...defaultLimits, maxBytes: { ...defaultLimits.maxBytes, WEBHOOK_INGEST: 2 ** 31, WEBHOOK_LEDGER: 2 ** 31 } };
    expect(did(ask({ WEBHOOK_DEAD: undefined }, { limits }))).toEqual(['change stream WEBHOOK_LEDGER', 'change stream WEBHOOK_INGEST', 'create stream WEBHOOK_DEAD']);
  });

  it('a share is refused above nine tenths of it, and a raise never', () => {
    expect([shareFaults(100, 90), shareFaults(100, 91), shareFaults(300_000, 299_000)]).toEqual([0, 1, 0]);
  });

  it('bytes below what is stored is noted, and refused where the oldest would go', () => {
    expect(ask(holding('WEBHOOK_RETRY'), { limits: lowered('WEBHOOK_RETRY', 1_999) })).toMatchObject({ faults: [], notes: [expect.stringContaining('more than its new limit')] });
    expect(ask(holding('WEBHOOK_RETRY'), { limits: lowered('WEBHOOK_RETRY', 2_000) }).notes).toEqual([]);
    expect(ask(holding('WEBHOOK_LEDGER'), { limits: lowered('WEBHOOK_LEDGER', 1_999) })).toMatchObject({ faults: [{ remedy: expect.stringContaining('--drop-oldest') }], notes: [] });
  });
});
