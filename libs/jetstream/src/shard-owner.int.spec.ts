import { allShards } from '@spillway/topology';
import { eventually } from '@spillway/testing';
import type { Broker } from './broker.ts';
import type { Lease } from './lease.ts';
import { ShardOwner, type ShardOwnerOptions } from './shard-owner.ts';
import type { ShardWork } from './shard-work.ts';
import { startPlaneBroker, testLog, type PlaneBroker } from './testing/index.ts';

let plane: PlaneBroker;
beforeAll(async () => {
  plane = await startPlaneBroker();
});
afterAll(() => plane.stop());

let app = 0;
/** Each test has an app of its own, and so keys of its own. */
beforeEach(() => {
  app += 1;
});
const owners: ShardOwner[] = [];
afterEach(async () => {
  await Promise.all(owners.splice(0).map((owner) => owner.drain(0)));
});

class Work implements ShardWork {
  readonly inHand = 0;
  ticks = 0;
  abandoned = false;
  draining: PromiseWithResolvers<void> | undefined;
  constructor(readonly shard: number, readonly lease: Lease, private readonly trip?: (shard: number) => void, private readonly slow = false) {}
  tick(): void {
    this.ticks += 1;
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

type Started = { owner: ShardOwner; works: Work[]; working: () => number[] };
const start = async (replica: string, options: Partial<ShardOwnerOptions> & { broker?: Broker; trip?: (shard: number) => void; slow?: boolean } = {}): Promise<Started> => {
  const works: Work[] = [];
  const { trip, slow, ...rest } = options;
  const owner = new ShardOwner({
    broker: await plane.connect(),
    app: `app${app}`,
    replica,
    log: testLog,
    tickEveryMs: 10,
    open: (shard, lease) => {
      const work = new Work(shard, lease, trip, slow);
      works.push(work);
      return work;
    },
    ...rest,
  });
  owners.push(owner);
  owner.start();
  return { owner, works, working: () => works.filter(({ lease }) => lease.owned()).map(({ shard }) => shard).toSorted((a, b) => a - b) };
};

describe('who works which shard', () => {
  it('gives a lone replica all of them at once', async () => {
    const { owner, works, working } = await start('one');
    await eventually(() => expect(owner.shards).toEqual(allShards));
    await eventually(() => expect(works.every(({ ticks }) => ticks > 10)).toBe(true));
    expect(working()).toEqual(allShards);
  });

  it('hands over half to a replica that joins, and takes it back when that leaves', async () => {
    const one = await start('one');
    await eventually(() => expect(one.owner.shards).toEqual(allShards));
    const two = await start('two');
    await eventually(() => expect([one.owner.shards.length, two.owner.shards.length]).toEqual([4, 4]));
    expect([...one.working(), ...two.working()].toSorted((a, b) => a - b)).toEqual(allShards);
    await two.owner.drain();
    await eventually(() => expect(one.owner.shards).toEqual(allShards));
    expect(one.works.every(({ abandoned }) => !abandoned)).toBe(true);
  });
});
