import { RevisionConflict } from '@spillway/jetstream';
import { createLogger } from '@spillway/telemetry';
import { shardOf, subject } from '@spillway/topology';
import { headKey, type Head } from './head.ts';
import { OrderedHeads, type OrderedHeadsOptions } from './ordered-heads.ts';

const EP = 'ep_1';
const SUBJECT = subject.parked('first', shardOf(EP), EP);
const START = Date.parse('2026-01-01T00:00:00Z');
const headAt = (afterMs: number, attempt = 2, origin = 'P@t0:1'): Head => ({ origin, attempt, dueAt: new Date(START + afterMs).toISOString() });

/** The keys, with their revisions as the server has them; `refuse` is thrown once by the next write. */
const setUp = (kept: Record<string, Head> = {}) => {
  const keys = new Map(Object.entries(kept).map(([id, head], i) => [headKey(id), { value: JSON.stringify(head), revision: i + 1 }]));
  const at = { revision: 10, refuse: undefined as Error | undefined, time: 0 };
  const write = (key: string, value: string, expected: number): number => {
    const refusal = at.refuse;
    at.refuse = undefined;
    if (refusal) throw refusal;
    if ((keys.get(key)?.revision ?? 0) !== expected) throw new RevisionConflict('webhook_leases', key);
    keys.set(key, { value, revision: (at.revision += 1) });
    return at.revision;
  };
  const bucket: OrderedHeadsOptions['bucket'] = {
    read: async (key) => keys.get(key),
    create: async (key, value) => write(key, value, 0),
    update: async (key, value, revision) => write(key, value, revision),
    remove: async (key) => Number(keys.delete(key)),
  };
  const again: string[] = [];
  const heads = new OrderedHeads({ bucket, brokerNowMs: () => START + at.time, readAgain: (of) => again.push(of), log: createLogger('test', 'silent'), clock: () => at.time });
  const loaded = async (): Promise<void> => {
    expect(heads.next(EP, 0)).toBe(0);
    await turn();
    again.length = 0;
  };
  const head = (): Head | undefined => JSON.parse(keys.get(headKey(EP))?.value ?? 'null') as Head | undefined;
  return { heads, at, again, keys, loaded, head };
};
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
const ordered = (): boolean => true;

describe('the head of an ordered endpoint', () => {
  it('is looked up before anything is read, and then one at a time is', async () => {
    const { heads, again } = setUp();
    expect([heads.next(EP, 0), heads.take(EP, 'P@t0:1')]).toEqual([0, 'stray']);
    await turn();
    expect(again).toEqual([SUBJECT]);
    expect([heads.next(EP, 0), heads.next(EP, 1)]).toEqual([1, 0]);
    expect(heads.take(EP, 'P@t0:1')).toEqual({ attempt: 1 });
    expect([heads.next(EP, 1), heads.take(EP, 'P@t0:2')]).toEqual([0, 'stray']);
    heads.ended(EP);
    expect([heads.next(EP, 0), heads.take(EP, 'P@t0:2')]).toEqual([1, { attempt: 1 }]);
  });

  it('that failed waits where it is until it is due, and keeps its number', async () => {
    const { heads, at, again, loaded, head } = setUp();
    await loaded();
    heads.take(EP, 'P@t0:1');
    expect(await heads.hold(EP, headAt(5_000), ordered)).toBe(true);
    expect(head()).toEqual(headAt(5_000));
    heads.beat(ordered);
    expect(again).toEqual([]); // not before it was left: what is read again by then would be the next
    heads.left(EP);
    at.time = 4_999;
    heads.beat(ordered);
    expect([heads.next(EP, 0), again]).toEqual([0, []]);
    at.time = 5_000;
    heads.beat(ordered);
    expect([again, heads.next(EP, 0), heads.take(EP, 'P@t0:1')]).toEqual([[SUBJECT], 2, { attempt: 2 }]);
    expect(await heads.hold(EP, headAt(9_000, 3), ordered)).toBe(true);
    heads.left(EP);
    at.time = 9_000;
    heads.beat(ordered);
    expect(heads.take(EP, 'P@t0:1')).toEqual({ attempt: 3 });
    heads.ended(EP);
    await turn();
    expect([head(), heads.next(EP, 0)]).toEqual([null, 1]);
  });

  it('is found by a new owner, not before it is due', async () => {
    const { heads, at, loaded } = setUp({ [EP]: headAt(5_000, 4) });
    await loaded();
    expect(heads.take(EP, 'P@t0:1')).toBe('not due');
    heads.left(EP);
    expect(heads.next(EP, 0)).toBe(0);
    at.time = 5_000;
    heads.beat(ordered);
    expect(heads.take(EP, 'P@t0:1')).toEqual({ attempt: 4 });
  });

  it('is not what a key of another message says', async () => {
    const { heads, loaded } = setUp({ [EP]: headAt(5_000, 4) });
    await loaded();
    expect(heads.take(EP, 'P@t0:7')).toEqual({ attempt: 1 });
    // and its own replaces it
    expect(await heads.hold(EP, headAt(1_000, 2, 'P@t0:7'), ordered)).toBe(true);
  });

  it('that came back without a word, as after a crash, is looked at again a little later', async () => {
    const { heads, at, again, loaded } = setUp();
    await loaded();
    heads.take(EP, 'P@t0:1');
    expect(heads.next(EP, 0)).toBe(0);
    at.time = 4_999;
    heads.beat(ordered);
    expect(again).toEqual([]);
    at.time = 5_000;
    heads.beat(ordered);
    expect([again, heads.next(EP, 0)]).toEqual([[SUBJECT], 1]);
  });

  it('lets those be read again that were turned away before it', async () => {
    const { heads, again, loaded } = setUp();
    await loaded();
    heads.take(EP, 'P@t0:1');
    heads.take(EP, 'P@t0:2');
    heads.ended(EP);
    heads.take(EP, 'P@t0:2');
    heads.ended(EP);
    expect(again).toEqual([SUBJECT]);
  });

  it('is forgotten with its shard: another owner may have gone on', async () => {
    const { heads, loaded, keys } = setUp();
    await loaded();
    heads.take(EP, 'P@t0:1');
    heads.forget(shardOf(EP));
    keys.set(headKey(EP), { value: JSON.stringify(headAt(0, 6)), revision: 40 });
    expect(await heads.hold(EP, headAt(1_000), ordered)).toBe(false);
    await loaded();
    expect(heads.take(EP, 'P@t0:1')).toEqual({ attempt: 6 });
  });

  it('is written over what a predecessor wrote last, or its own that was stored without an answer; and never once it is not ours', async () => {
    const { heads, at, loaded, keys, head } = setUp();
    await loaded();
    heads.take(EP, 'P@t0:1');
    keys.set(headKey(EP), { value: JSON.stringify(headAt(0, 9)), revision: 40 });
    expect(await heads.hold(EP, headAt(1_000), ordered)).toBe(true);
    expect(head()).toEqual(headAt(1_000));
    // it was stored, and the answer was lost
    keys.set(headKey(EP), { value: JSON.stringify(headAt(2_000, 3)), revision: 41 });
    expect(await heads.hold(EP, headAt(2_000, 3), ordered)).toBe(true);
    at.refuse = new Error('whatever it is');
    expect(await heads.hold(EP, headAt(3_000, 4), ordered)).toBe(true);
    expect(await heads.hold(EP, headAt(4_000, 5), () => false)).toBe(false);
    expect(head()).toEqual(headAt(3_000, 4));
  });

  it('keeps its number when its endpoint is ordered no more', async () => {
    const { heads, again, loaded } = setUp({ [EP]: headAt(5_000, 4) });
    await loaded();
    heads.take(EP, 'P@t0:1');
    heads.left(EP);
    heads.beat(() => false);
    expect(again).toEqual([SUBJECT]);
    expect([heads.release(EP, 'P@t0:2'), heads.release(EP, 'P@t0:1'), heads.release(EP, 'P@t0:1')]).toEqual([undefined, 4, undefined]);
  });
});
