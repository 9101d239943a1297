import { jest } from '@jest/globals';
import { allShards } from '@spillway/topology';
import { eventually } from '@spillway/testing';
import { BucketKeys } from './bucket-keys.ts';
import { HeldLease, STANDSTILL_MS, type Lease } from './lease.ts';
import { Leases } from './leases.ts';
import { ShardOwner, type ShardOwnerOptions } from './shard-owner.ts';
import type { ShardWork } from './shard-work.ts';
import { startPlaneBroker, testLog, type PlaneBroker } from './testing/index.ts';

let plane: PlaneBroker;
beforeAll(async () => {
  plane = await startPlaneBroker();
});
afterAll(() => plane.stop());

/** Each test has an app of its own, and so keys of its own. */
let app = 0;
const owners: ShardOwner[] = [];
const everyWork: Work[] = [];
const twoAtOnce: number[] = [];
beforeEach(() => {
  app += 1;
});
afterEach(async () => {
  await Promise.all(owners.splice(0).map((owner) => owner.drain(0)));
  if (twoAtOnce.length > 0) throw new Error(`worked by two at once: shards ${twoAtOnce.join()}`);
  everyWork.length = 0;
});

type Trip = (shard: number) => void;

/** Does nothing but look whether anybody else works the same shard. */
class Work implements ShardWork {
  readonly inHand = 0;
  ticks = 0;
  abandoned = false;
  draining: PromiseWithResolvers<void> | undefined;

  constructor(
    readonly shard: number,
    readonly lease: Lease,
    private readonly trip: Trip | undefined,
    private readonly slow: boolean,
  ) {
    everyWork.push(this);
  }

  tick(): void {
    this.ticks += 1;
    const others = everyWork.filter((other) => other !== this && other.shard === this.shard && other.lease.owned());
    if (this.lease.owned() && others.length > 0) twoAtOnce.push(this.shard);
    this.trip?.(this.shard);
  }

  drain(): Promise<void> {
    this.draining ??= Promise.withResolvers<void>();
    if (!this.slow) this.draining.resolve();
    return this.draining.promise;
  }

  abandon(): void {
    this.abandoned = true;
  }
}

/** Shards are won in any order. */
const numbersOf = (works: Work[]): number[] => works.map(({ shard }) => shard).toSorted((a, b) => a - b);

type Started = { owner: ShardOwner; works: Work[]; working: () => number[]; cutOff: () => Promise<void> };
const start = async (replica: string, { trip, slow = false, ...options }: Partial<ShardOwnerOptions> & { trip?: Trip; slow?: boolean } = {}): Promise<Started> => {
  const works: Work[] = [];
  const broker = await plane.connect();
  const open = (shard: number, lease: Lease): Work => {
    const work = new Work(shard, lease, trip, slow);
    works.push(work);
    return work;
  };
  const owner = new ShardOwner({ broker, app: `app${app}`, replica, log: testLog, tickEveryMs: 10, open, ...options });
  owners.push(owner);
  owner.start();
  owner.start(); // twice is once
  const working = (): number[] => numbersOf(works.filter(({ lease }) => lease.owned()));
  return { owner, works, working, cutOff: () => broker.close() };
};
const counts = (...started: Started[]): number[] => started.map(({ working }) => working().length).toSorted((a, b) => a - b);
/** Whoever holds a shard then has renewed its lease since now, or won it since. */
const longerThanALease = (): (() => void) => {
  const until = performance.now() + STANDSTILL_MS + 500;
  return () => expect(performance.now()).toBeGreaterThan(until);
};
/** Those that were won had been given back: a lease that lapses counts as lost. */
const expectGivenBack = (...started: Started[]): void => expect(started.flatMap(({ works }) => works.map(({ lease }) => lease.losses)).filter((losses) => losses > 0)).toEqual([]);
const together = (...started: Started[]): number[] => started.flatMap(({ working }) => working()).toSorted((a, b) => a - b);

describe('who works which shard', () => {
  it('is a lone replica for all of them, at once', async () => {
    const { owner, works, working } = await start('one');
    await eventually(() => expect(owner.shards).toEqual(allShards));
    await eventually(() => expect(works.every(({ ticks }) => ticks > 10)).toBe(true));
    expect(working()).toEqual(allShards);
    expect(owner.state).toMatchObject({ ready: true, replicas: 1, owned: allShards.map((shard) => ({ shard, givingUp: false })) });
  });

  it('changes by halves when a replica joins, and back when it leaves, without anything being thrown away', async () => {
    const one = await start('one');
    await eventually(() => expect(one.owner.shards).toEqual(allShards));
    const two = await start('two');
    await eventually(() => expect(counts(one, two)).toEqual([4, 4]));
    expect(together(one, two)).toEqual(allShards);
    await two.owner.drain();
    await eventually(() => expect(one.owner.shards).toEqual(allShards));
    expectGivenBack(one, two);
    expect([...one.works, ...two.works].every(({ abandoned }) => !abandoned)).toBe(true);
  });

  it('is even among three, and nothing moves once it is', async () => {
    const three = [await start('one'), await start('two'), await start('three')];
    await eventually(() => expect(counts(...three)).toEqual([2, 3, 3]));
    expect(together(...three)).toEqual(allShards);
    const won = everyWork.length;
    // past a renewal of everybody, and past the time after which a lease that is not renewed may be taken
    await eventually(longerThanALease());
    await eventually(() => expect(everyWork.every((work) => !work.lease.owned() || work.ticks > 100)).toBe(true), 60_000);
    expect(everyWork.length).toBe(won);
  });

  it('is split evenly by two that were given the same name', async () => {
    const one = await start('same');
    const two = await start('same');
    await eventually(() => expect(counts(one, two)).toEqual([4, 4]));
    expect(together(one, two)).toEqual(allShards);
  });
});

describe('handing over', () => {
  it('goes on working a shard until it is drained, and nobody else begins before', async () => {
    const one = await start('one', { slow: true });
    await eventually(() => expect(one.owner.shards).toEqual(allShards));
    const two = await start('two');
    await eventually(() => expect(numbersOf(one.works.filter(({ draining }) => draining))).toEqual([4, 5, 6, 7]));
    const ticks = one.works.map((work) => work.ticks);
    // it is renewed while it drains; by the clock, not by ticks: a drain may take 20 s and no longer
    await eventually(longerThanALease());
    expect(one.works.every((work, i) => work.ticks > (ticks[i] as number))).toBe(true);
    expect([one.working(), two.working()]).toEqual([allShards, []]);
    one.works.forEach(({ draining }) => draining?.resolve());
    await eventually(() => expect(two.working()).toEqual([4, 5, 6, 7]));
    expectGivenBack(two);
  });

  it('ends when the budget is used up: what is left is thrown away', async () => {
    const one = await start('one', { slow: true });
    await eventually(() => expect(one.owner.shards).toEqual(allShards));
    await one.owner.drain(200);
    expect(one.works.every(({ abandoned }) => abandoned)).toBe(true);
    const two = await start('two');
    await eventually(() => expect(two.owner.shards).toEqual(allShards));
    expectGivenBack(two);
  });
});

describe('leaving', () => {
  it('waits for what is being won, and gives it back', async () => {
    const answer = Promise.withResolvers<void>();
    const keys = new BucketKeys(plane.broker, 'webhook_leases');
    const takes = jest.spyOn(Leases.prototype, 'take').mockImplementation(async (shard) => {
      const sentAtMs = performance.now();
      const revision = await keys.create(`app${app}.${shard}`, JSON.stringify({ holder: 'one' }));
      await answer.promise;
      return new HeldLease(shard, revision, sentAtMs);
    });
    const one = await start('one');
    await eventually(() => expect(takes).toHaveBeenCalledTimes(allShards.length));
    const announced = async (): Promise<boolean> => (await keys.read(`replica.app${app}.one`)) !== undefined;
    await eventually(async () => expect(await announced()).toBe(true));
    let left = false;
    const leaving = one.owner.drain().then(() => (left = true));
    takes.mockRestore();
    await eventually(async () => expect(await announced()).toBe(false));
    expect([left, one.works]).toEqual([false, []]);
    answer.resolve();
    await leaving;
    const two = await start('two');
    await eventually(() => expect(two.owner.shards).toEqual(allShards));
    expectGivenBack(two);
  });
});

describe('a replica that is gone', () => {
  it('loses its shards to the others within ten seconds', async () => {
    const one = await start('one');
    const two = await start('two');
    await eventually(() => expect(counts(one, two)).toEqual([4, 4]));
    await one.cutOff();
    await eventually(() => expect(two.owner.shards).toEqual(allShards), 10_000);
    expect(one.working()).toEqual([]);
    await eventually(() => expect(one.works.every(({ abandoned, draining }) => abandoned || draining)).toBe(true));
  });
});

describe('work that fails', () => {
  it('renews nothing, so that its shard goes to somebody for whom it goes well', async () => {
    const one = await start('one', {
      trip: (shard) => {
        if (shard === 2) throw new Error('cannot work this one');
      },
    });
    await eventually(() => expect(one.works.some(({ shard, abandoned }) => shard === 2 && abandoned)).toBe(true));
    expect(one.owner.shards).toEqual([0, 1, 3, 4, 5, 6, 7]);
    const two = await start('two');
    await eventually(() => expect(two.working()).toContain(2));
    expect(one.owner.shards.length).toBeGreaterThan(2);
  });

  it('goes on when it mends itself in time', async () => {
    let faults = 3; // 0.3 s of the 3.5 s of a lease
    const one = await start('one', {
      trip: (shard) => {
        if (shard === 2 && faults-- > 0) throw new Error('for a moment');
      },
    });
    await eventually(() => expect(one.works.find(({ shard }) => shard === 2)?.ticks).toBeGreaterThan(500), 60_000);
    expect(one.works.filter(({ shard }) => shard === 2)).toHaveLength(1);
  });

  it('that cannot even begin leaves the shard to others', async () => {
    const one = await start('one', {
      open: () => {
        throw new Error('cannot open');
      },
    });
    const two = await start('two');
    await eventually(() => expect(two.owner.shards).toEqual(allShards));
    expect(one.owner.shards).toEqual([]);
  });
});

describe('the broker', () => {
  it('may be killed and come back: every shard is worked again, by one at a time', async () => {
    const one = await start('one');
    const two = await start('two');
    await eventually(() => expect(counts(one, two)).toEqual([4, 4]));
    for (let kills = 0; kills < 2; kills += 1) {
      await plane.server.kill();
      await plane.server.restart();
    }
    const ticked = new Map(everyWork.map((work) => [work, work.ticks]));
    await eventually(longerThanALease());
    await eventually(() => expect(everyWork.filter((work) => work.lease.owned() && work.ticks > (ticked.get(work) ?? 0) + 100)).toHaveLength(8), 60_000);
    expect(together(one, two)).toEqual(allShards);
  });

  it('that stays away takes the leases with it, and each replica has its own again when it is back', async () => {
    const one = await start('one');
    const two = await start('two');
    await eventually(() => expect(counts(one, two)).toEqual([4, 4]));
    const before = [one.working(), two.working()];
    await plane.server.kill();
    // the leases lapse by the clock, the loops see it at their next tick
    await eventually(() => expect([together(one, two), one.owner.state]).toMatchObject([[], { ready: false, owned: [] }]));
    await plane.server.restart();
    await eventually(() => expect([one.working(), two.working()]).toEqual(before));
  });
});

describe('the lease bucket', () => {
  it('that was emptied is not believed: nobody renews, and nobody wins', async () => {
    const one = await start('one');
    await eventually(() => expect(one.owner.shards).toEqual(allShards));
    await plane.broker.api('STREAM.PURGE.KV_webhook_leases');
    // a renewal that finds nothing ends the lease, an inspection each second makes it unready: whichever comes first
    await eventually(() => expect([one.working(), one.owner.state]).toMatchObject([[], { ready: false, why: expect.stringContaining('webhook_leases') as string }]));
    await plane.broker.nc.request('$KV.webhook_leases.marker', '{}');
  });

  it('that is not there yet is waited for, and the reason is said', async () => {
    await plane.broker.api('STREAM.DELETE.KV_webhook_leases');
    const one = await start('one');
    await eventually(() => expect(one.owner.state.why).toContain('stream not found'));
    await plane.provision({ adopt: ['KV_webhook_leases'] });
    await eventually(() => expect(one.owner.shards).toEqual(allShards));
  });
});

it('refuses a name that is no token of a key', () => {
  const options = { broker: plane.broker, app: 'x', log: testLog, tickEveryMs: 10, open: (shard: number) => new Work(shard, new HeldLease(shard, 1, 0), undefined, false) };
  expect(() => new ShardOwner({ ...options, replica: 'pod.1' })).toThrow(TypeError);
});
