import { Crowding, TICK_MS, weightOf, type Backlog } from './crowding.ts';

const CROWDED: Backlog = { fresh: 1_000, bulk: 0 };
const CALM: Backlog = { fresh: 10, bulk: 10 };

/** Time goes by in ticks. */
class Door {
  nowMs = 1_000;
  readonly said: string[] = [];
  readonly crowding: Crowding;

  constructor(crowdedAt = 250) {
    this.crowding = new Crowding({ crowdedAt, onMoved: (tenant, to) => this.said.push(`${tenant} ${to}`) });
  }

  /** So many events a tick of each, and what lies before dedupe meanwhile. @returns the lanes that each took last */
  during(ms: number, backlog: Backlog, perTick: Record<string, number>, bytes = 100): Record<string, string> {
    const lanes: Record<string, string> = {};
    for (const until = this.nowMs + ms; this.nowMs < until; ) {
      for (const [tenant, events] of Object.entries(perTick)) for (let i = 0; i < events; i += 1) lanes[tenant] = this.crowding.take(tenant, bytes);
      this.crowding.tick((this.nowMs += TICK_MS));
      if (this.crowding.isUneven) this.crowding.judge(backlog, this.nowMs);
    }
    return lanes;
  }
}

describe('a tenant that sends far more than the others', () => {
  it('goes to bulk within a few ticks once they wait behind it, and nobody else does', () => {
    const door = new Door();
    expect(door.during(5_000, CALM, { large: 50, small: 2 })).toEqual({ large: 'fresh', small: 'fresh' });
    expect(door.during(300, CROWDED, { large: 50, small: 2 })).toEqual({ large: 'bulk', small: 'fresh' });
    expect(door.crowding.moved).toBe(1);
    expect(door.said).toEqual(['large bulk']);
  });

  it('goes there at once with what exceeds a quarter of what others would feel, between two ticks; alone it does not', () => {
    const crowding = new Crowding({ crowdedAt: 400 });
    const lanes = (tenant: string): number[] => {
      const taken = Array.from({ length: 300 }, () => crowding.take(tenant, 0));
      return [taken.lastIndexOf('fresh'), taken.indexOf('bulk')];
    };
    expect(lanes('large')).toEqual([299, -1]);
    crowding.tick(100);
    crowding.take('small', 0);
    expect(lanes('large')).toEqual([99, 100]);
    expect(crowding.take('small', 0)).toBe('fresh');
    crowding.tick(200);
    expect(lanes('large')).toEqual([99, 100]);
  });

  it('goes there with others that do so too, and leaves those behind the gap where they are', () => {
    const door = new Door();
    expect(door.during(1_000, CROWDED, { a: 60, b: 50, c: 40, d: 8, e: 5 })).toEqual({ a: 'bulk', b: 'bulk', c: 'bulk', d: 'fresh', e: 'fresh' });
  });

  it('is found by the weight of its events as by their number', () => {
    expect([weightOf(0), weightOf(256 * 1_024)]).toEqual([1, 17]);
    const door = new Door();
    door.during(500, CROWDED, { small: 1 });
    expect(door.during(500, CROWDED, { heavy: 3 }, 256 * 1_024)).toEqual({ heavy: 'bulk' });
  });

  it('goes there when it is refused for its share, however little of it waits, and stays there while it is', () => {
    const door = new Door();
    const refusedDuring = (ms: number): Record<string, string>[] => Array.from({ length: ms / TICK_MS }, () => (door.crowding.refused('large'), door.during(TICK_MS, CALM, { large: 50, small: 2 })));
    expect(door.during(1_000, CALM, { large: 50, small: 2 })).toEqual({ large: 'fresh', small: 'fresh' });
    expect(refusedDuring(300).at(-1)).toEqual({ large: 'bulk', small: 'fresh' });
    expect(refusedDuring(10_000).every(({ large }) => large === 'bulk')).toBe(true);
    expect(door.during(2_000, CALM, { large: 50, small: 2 })).toEqual({ large: 'fresh', small: 'fresh' });
    expect(door.said).toEqual(['large bulk', 'large fresh']);
  });

  it('stays when it is refused and sends no more than the others, and when it is alone', () => {
    const door = new Door();
    door.during(1_000, CALM, { a: 50, b: 40 });
    door.crowding.refused('a');
    expect(door.during(300, CALM, { a: 50, b: 40 })).toEqual({ a: 'fresh', b: 'fresh' });
    const alone = new Door();
    alone.during(1_000, CALM, { alone: 300 });
    alone.crowding.refused('alone');
    expect(alone.during(500, CALM, { alone: 300 })).toEqual({ alone: 'fresh' });
    // and nobody bears it in mind until another comes
    expect(alone.during(2_000, CALM, { alone: 50, other: 2 })).toEqual({ alone: 'fresh', other: 'fresh' });
  });

  it('stays when nobody else sends, and when the others send as much', () => {
    expect(new Door().during(5_000, CROWDED, { alone: 300 })).toEqual({ alone: 'fresh' });
    expect(new Door().during(5_000, CROWDED, { a: 60, b: 50, c: 40, d: 20 })).toEqual({ a: 'fresh', b: 'fresh', c: 'fresh', d: 'fresh' });
  });

  it('stays when that is less than a hundred a second, and when it is switched off', () => {
    expect(new Door().during(5_000, CROWDED, { large: 8, small: 1 })).toEqual({ large: 'fresh', small: 'fresh' });
    expect(new Door(0).during(5_000, CROWDED, { large: 300, small: 1 })).toEqual({ large: 'fresh', small: 'fresh' });
  });

  it('stays when it has a rate of its own and is within it; it counts among those who wait', () => {
    const door = new Door();
    for (let i = 0; i < 20; i += 1) {
      for (let event = 0; event < 300; event += 1) door.crowding.saw('entitled', 100);
      door.during(TICK_MS, CROWDED, { large: 300 });
    }
    expect(door.said).toEqual([]);
    for (let i = 0; i < 20; i += 1) {
      for (let event = 0; event < 10; event += 1) door.crowding.saw('entitled', 100);
      door.during(TICK_MS, CROWDED, { large: 300 });
    }
    expect(door.said).toEqual(['large bulk']);
  });
});

const moved = (): Door => {
  const door = new Door();
  door.during(500, CROWDED, { large: 300, small: 2 });
  expect(door.said).toEqual(['large bulk']);
  return door;
};

describe('who was moved', () => {
  it('stays while it waits in bulk, or makes others wait', () => {
    const door = moved();
    door.during(30_000, { fresh: 0, bulk: 10_000 }, { large: 300, small: 2 });
    door.during(30_000, { fresh: 10_000, bulk: 0 }, { large: 300, small: 2 });
    expect(door.said).toEqual(['large bulk']);
  });

  it('comes back when it is like the others again', () => {
    const door = moved();
    door.during(10_000, { fresh: 0, bulk: 10_000 }, { large: 3, small: 2 });
    expect(door.said).toEqual(['large bulk', 'large fresh']);
  });

  it('comes back when nothing waits, after two seconds; when that was too early, it is held twice as long, up to a minute', () => {
    const door = moved();
    const heldMs: number[] = [];
    for (let i = 0; i < 7; i += 1) {
      const since = door.nowMs;
      while (door.crowding.moved > 0) door.during(TICK_MS, CALM, { large: 300, small: 2 });
      heldMs.push(door.nowMs - since);
      door.during(500, CROWDED, { large: 300, small: 2 });
    }
    // the first of them was moved some ticks before
    expect(heldMs.map((ms) => Math.round(ms / 1_000))).toEqual([2, 4, 8, 16, 32, 60, 60]);
  });

  it('is forgotten ten seconds after its last event', () => {
    const door = moved();
    door.during(11_000, CALM, { small: 2 });
    expect([door.crowding.moved, door.said.at(-1)]).toEqual([0, 'large fresh']);
    expect(door.crowding.isUneven).toBe(false);
  });
});
