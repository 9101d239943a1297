import { jest } from '@jest/globals';
import { eventually } from '@spillway/testing';
import { STANDSTILL_MS } from './lease.ts';
import { Leases } from './leases.ts';
import { startPlaneBroker, testLog, type PlaneBroker } from './testing/index.ts';
import { WatchedBucket } from './watched-bucket.ts';

let plane: PlaneBroker;
const buckets: WatchedBucket[] = [];
beforeAll(async () => {
  plane = await startPlaneBroker();
});
afterAll(async () => {
  buckets.forEach((bucket) => bucket.close());
  await plane.stop();
});

let app = 0;
beforeEach(() => {
  app += 1;
});
const open = async (replica: string): Promise<{ leases: Leases; bucket: WatchedBucket }> => {
  const bucket = await WatchedBucket.open(await plane.connect(), 'webhook_leases', { log: testLog });
  buckets.push(bucket);
  await bucket.whenReady();
  return { leases: new Leases(bucket, `app${app}`, replica, testLog), bucket };
};
const nobody = (): boolean => false;
const viewOf = (leases: Leases, afterMs = 0) => leases.view([3], nobody, performance.now() + afterMs)[0];

it('is won by one of those who reach for it', async () => {
  const all = await Promise.all(['one', 'two', 'three'].map(open));
  const won = await Promise.all(all.map(({ leases }) => leases.take(3)));
  expect(won.filter((lease) => lease?.owned())).toHaveLength(1);
});

it('may be taken by others once its revision stood still for four seconds, and not before', async () => {
  const [{ leases: one }, { leases: two }] = await Promise.all([open('one'), open('two')]);
  const lease = await one.take(3);
  await eventually(() => expect(viewOf(two)?.holder).toBe(one.me));
  expect([viewOf(two)?.takeable, viewOf(two, STANDSTILL_MS + 100)?.takeable]).toEqual([false, true]);
  two.startAnew(performance.now() + 60_000);
  expect(viewOf(two, 60_000 + STANDSTILL_MS - 1)?.takeable).toBe(false);
  const taken = await two.take(3);
  expect(taken?.owned()).toBe(true);
  if (lease) await one.renew(lease);
  expect(lease?.owned()).toBe(false);
});

it('cannot be taken by who slept through a renewal, whatever it believes to have seen', async () => {
  const [{ leases: one }, { leases: two, bucket }] = await Promise.all([open('one'), open('two')]);
  const lease = await one.take(3);
  await eventually(() => expect(viewOf(two)?.holder).toBe(one.me));
  bucket.close(); // sees nothing any more
  if (lease) await one.renew(lease);
  expect(await two.take(3)).toBeUndefined();
  expect(lease?.owned()).toBe(true);
});

it('survives a renewal that was stored and whose answer was lost', async () => {
  const { leases, bucket } = await open('one');
  const lease = await leases.take(3);
  await bucket.put(`app${app}.3`, JSON.stringify({ holder: leases.me }));
  if (!lease) throw new Error('not taken');
  await leases.renew(lease);
  expect(lease.owned()).toBe(true);
  const before = lease.revision;
  await leases.renew(lease);
  expect(lease.revision).toBeGreaterThan(before);
});

it('is free at once when it was given back', async () => {
  const [{ leases: one }, { leases: two }] = await Promise.all([open('one'), open('two')]);
  const lease = await one.take(3);
  if (lease) await one.giveBack(lease);
  expect(lease?.owned()).toBe(false);
  await eventually(() => expect(viewOf(two)).toEqual({ shard: 3, holder: '', takeable: true }));
});

it('of a process that died is not its successor’s, though both were given the same name', async () => {
  const { leases: before } = await open('same');
  await before.take(3);
  const { leases: after } = await open('same');
  await eventually(() => expect(viewOf(after)).toEqual({ shard: 3, holder: before.me, takeable: false }));
});

it('is one’s own again at once when it lapsed and nobody took it', async () => {
  const { leases } = await open('one');
  await leases.take(3);
  await eventually(() => expect(viewOf(leases)).toEqual({ shard: 3, holder: leases.me, takeable: true }));
});

const lossesOf = async ({ leases }: { leases: Leases }, seen: string): Promise<number | undefined> => {
  await eventually(() => expect(viewOf(leases)?.holder).toBe(seen));
  return (await leases.take(3))?.losses;
};

it('counts how often in a row it was lost: not when it was given back, not when its holder lives', async () => {
  const one = await open('one');
  expect((await one.leases.take(3))?.losses).toBe(0);
  expect(await lossesOf(one, one.leases.me)).toBe(0);
  const two = await open('one'); // the same, started again
  expect(await lossesOf(two, one.leases.me)).toBe(1);
  const three = await open('one');
  await eventually(() => expect(viewOf(three.leases)?.holder).toBe(two.leases.me));
  const third = await three.leases.take(3);
  expect(third?.losses).toBe(2);
  if (third) await three.leases.renew(third);
  if (third) await three.leases.giveBack(third);
  expect(await lossesOf(one, '')).toBe(2);
});

describe('replicas', () => {
  it('are there while their announcements move, gone at once when they take leave, and after four seconds when they do not', async () => {
    const [{ leases: one }, { leases: two }, { leases: three }] = await Promise.all([open('one'), open('two'), open('three')]);
    await Promise.all([one.announce(true), two.announce(false), three.announce(true)]);
    const seen = (afterMs = 0) => one.members(true, performance.now() + afterMs).map(({ id, takes }) => [id, takes]);
    await eventually(() => expect(Object.fromEntries(seen())).toEqual({ [one.me]: true, [two.me]: false, [three.me]: true }));
    await three.takeLeave();
    await eventually(() => expect(seen()).toHaveLength(2));
    expect(seen(STANDSTILL_MS)).toEqual([[one.me, true]]);
  });

  it('that were there when a pause began are given time to speak up, and those that were gone are not', async () => {
    const [{ leases: one }, { leases: two }] = await Promise.all([open('one'), open('two')]);
    await two.announce(true);
    await eventually(() => expect(one.members(true)).toHaveLength(2));
    const seenAt = performance.now();
    one.startAnew(seenAt + 60_000, seenAt + STANDSTILL_MS);
    expect(one.members(true, seenAt + 60_000)).toHaveLength(1);
    one.startAnew(seenAt + 60_000, seenAt + 100);
    expect(one.members(true, seenAt + 60_000 + STANDSTILL_MS - 1)).toHaveLength(2);
  });

  it('that died long ago leave no litter behind, and those that live keep their keys', async () => {
    const [{ leases: one, bucket }, { leases: two }] = await Promise.all([open('one'), open('two')]);
    const before = performance.now();
    await Promise.all([one.announce(true), two.announce(true)]);
    const keys = (): string[] => [...bucket.entries(`replica.app${app}.`)].map(([key]) => key.slice(key.lastIndexOf('.') + 1)).toSorted((a, b) => a.localeCompare(b));
    await eventually(() => expect(keys()).toEqual(['one', 'two']));
    await one.removeLitter(before + 59_000);
    expect(keys()).toEqual(['one', 'two']);
    const remove = jest.spyOn(bucket, 'remove').mockRejectedValueOnce(new Error('the broker is away'));
    await expect(one.removeLitter(performance.now() + 61_000)).rejects.toThrow('the broker is away');
    expect(keys()).toEqual(['one', 'two']);
    await one.removeLitter(performance.now() + 61_000);
    await eventually(() => expect(keys()).toEqual(['one']));
    expect(remove).toHaveBeenCalledTimes(2);
  });
});
