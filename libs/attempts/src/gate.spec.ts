import { Gate, type CircuitChange, type Ended, type GateLimits } from './gate.ts';
import type { Admission, Line } from './line.ts';

const limits: GateLimits = { slots: 8, maxWaitMs: 1_000, maxWaitingPerEndpoint: 20, maxWaitingBytes: 1_000 };
const ok = (durationMs = 1): Ended => ({ cap: { type: 'succeeded' }, circuit: 'succeeded', probe: false, durationMs });
const failed = (over: Partial<Ended> = {}): Ended => ({ cap: { type: 'failed' }, circuit: 'failed', probe: false, durationMs: 1, ...over });
const begins: Admission = { go: 'begin', probe: false };

/** A gate on a clock of its own, and a log of who was told what. */
const setUp = (over: Partial<GateLimits> = {}) => {
  const time = { now: 0 };
  const rooms: string[] = [];
  const told: string[] = [];
  const circuits: string[] = [];
  const changed = (change: CircuitChange): number => circuits.push(`${change.endpointId} ${change.is}: ${change.reason}${change.is === 'closed' ? ` after ${change.openMs} ms` : ''}`);
  const gate = new Gate({ ...limits, ...over }, (endpointId) => rooms.push(endpointId), () => time.now, changed);
  const say = (name: string, admission: Admission): void => {
    told.push(admission.go === 'begin' ? `${name} begins${admission.probe ? ' as a probe' : ''}` : `${name} ${admission.go === 'stay' ? 'stays' : `is parked: ${admission.reason}`}`);
  };
  const enter = (line: Line, name: string, from: 'turn' | 'parked' = 'turn', bytes = 1): void => {
    const answer = gate.enter(line, from, bytes);
    if (answer instanceof Promise) void answer.then((admission) => say(name, admission));
    else say(name, answer);
  };
  const line = (id: string, limit: number, ratePerSecond?: number, tenant = id): Line => gate.line(id, { tenant, limit, ratePerSecond });
  /** Earns it its whole cap: each success doubles it. */
  const warm = (of: Line, durationMs = 1): Line => {
    for (let n = 0; n < 8; n += 1) {
      expect(gate.enter(of, 'turn', 1)).toEqual(begins);
      gate.leave(of, ok(durationMs));
    }
    return of;
  };
  return { gate, time, rooms, told, circuits, enter, line, warm };
};
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe('the gate, by cap', () => {
  it('lets an unknown endpoint have two attempts, and more as it answers', () => {
    const { gate, line } = setUp();
    const ep = line('ep_1', 6);
    expect([gate.enter(ep, 'turn', 1), gate.enter(ep, 'turn', 1)]).toEqual([begins, begins]);
    expect(ep.hasRoom).toBe(false);
    gate.leave(ep, ok());
    expect(ep.capNow).toBe(4);
    gate.leave(ep, ok());
    expect([ep.capNow, gate.attemptsInFlight]).toEqual([6, 0]);
  });

  it('never has more at an endpoint than its cap, and serves who waits in order', async () => {
    const { gate, line, warm, enter, told } = setUp();
    const ep = warm(line('ep_1', 3));
    for (const name of ['a', 'b', 'c', 'd', 'e']) enter(ep, name);
    expect([ep.inFlight, ep.waiting]).toEqual([3, 2]);
    gate.leave(ep, ok());
    gate.leave(ep, ok());
    await turn();
    expect(told).toEqual(['a begins', 'b begins', 'c begins', 'd begins', 'e begins']);
    expect(ep.inFlight).toBe(3);
  });

  it('parks what would wait longer than a second', () => {
    const { line, warm, enter, told } = setUp();
    const ep = warm(line('ep_1', 2), 300);
    // two under way, 300 ms each: the seventh to wait would wait 7 ÷ 2 × 300 ms
    for (let n = 0; n < 9; n += 1) enter(ep, String(n));
    expect(told).toEqual(['0 begins', '1 begins', '8 is parked: at_cap']);
  });

  it('parks what exceeds the endpoint’s places in memory, or the memory', () => {
    const { line, warm, enter, told } = setUp();
    const ep = warm(line('ep_1', 2));
    for (let n = 0; n < 23; n += 1) enter(ep, String(n));
    expect(told).toEqual(['0 begins', '1 begins', '22 is parked: at_cap']);
    const other = warm(line('ep_2', 2));
    for (let n = 0; n < 2; n += 1) enter(other, `o${n}`);
    enter(other, 'big', 'turn', 990);
    expect(told.at(-1)).toBe('big is parked: at_cap');
  });

  it('parks, a second later, what was expected to go sooner', async () => {
    const { gate, time, line, enter, told } = setUp();
    const ep = line('ep_1', 2);
    for (const name of ['a', 'b', 'late', 'later']) enter(ep, name);
    time.now = 900;
    gate.beat();
    await turn();
    expect(told).toEqual(['a begins', 'b begins']);
    time.now = 1_100;
    gate.beat();
    await turn();
    expect(told).toEqual(['a begins', 'b begins', 'late is parked: at_cap', 'later is parked: at_cap']);
    expect(gate.bytesWaiting).toBe(0);
  });

  it('gives at least half of the slots that fall free to what was parked', async () => {
    const { gate, line, warm, enter, told } = setUp();
    const ep = warm(line('ep_1', 1));
    enter(ep, 'first');
    for (const n of [1, 2, 3]) enter(ep, `fresh ${n}`);
    for (const n of [1, 2, 3]) enter(ep, `parked ${n}`, 'parked');
    for (let n = 0; n < 6; n += 1) {
      gate.leave(ep, ok());
      await turn();
    }
    expect(told.slice(1, 5).filter((text) => text.startsWith('parked'))).toHaveLength(2);
    expect(told).toHaveLength(7);
  });

  it('reads parked deliveries in slices, none while enough of them wait, and says when there is room again', async () => {
    const { gate, line, warm, enter, rooms } = setUp();
    const ep = warm(line('ep_1', 4));
    expect(gate.roomForParked(ep)).toBe(16);
    for (let n = 0; n < 4 + 12; n += 1) enter(ep, String(n), 'parked');
    expect(gate.roomForParked(ep)).toBe(0);
    for (let n = 0; n < 4; n += 1) gate.leave(ep, ok());
    await turn();
    expect(rooms).toEqual(['ep_1']);
  });

  it('follows a cap that is lowered, letting what is under way end', () => {
    const { gate, line, warm } = setUp();
    const ep = warm(line('ep_1', 6));
    for (let n = 0; n < 6; n += 1) expect(gate.enter(ep, 'turn', 1)).toEqual(begins);
    line('ep_1', 2);
    gate.leave(ep, ok());
    expect([ep.inFlight, ep.hasRoom]).toEqual([5, false]);
  });
});

describe('the gate, by slots', () => {
  it('lets endpoints take turns when they are short', async () => {
    const { gate, line, warm, enter, told } = setUp({ slots: 2 });
    const greedy = warm(line('ep_greedy', 10));
    const modest = warm(line('ep_modest', 10));
    for (const n of [1, 2, 3, 4]) enter(greedy, `greedy ${n}`);
    enter(modest, 'modest');
    gate.leave(greedy, ok());
    gate.leave(greedy, ok());
    await turn();
    expect(told).toContain('modest begins');
  });

  it('leaves half of them to endpoints that have proven to be quick', () => {
    const { line, warm, enter, told } = setUp({ slots: 16 });
    const quick = warm(line('ep_quick', 8));
    for (const n of [1, 2, 3, 4, 5]) for (const m of [1, 2]) enter(line(`ep_unknown_${n}`, 8), `unknown ${n}.${m}`);
    expect(told.filter((text) => text.endsWith('begins'))).toHaveLength(8);
    for (const n of [1, 2, 3, 4]) enter(quick, `quick ${n}`);
    expect(told.filter((text) => text.startsWith('quick') && text.endsWith('begins'))).toHaveLength(4);
  });

  it('takes an endpoint that hangs for a long one again, and gives its places back when it ends', async () => {
    const { gate, line, warm, enter, told } = setUp();
    const ep = warm(line('ep_1', 8));
    enter(ep, 'hangs');
    gate.leave(ep, failed({ cap: { type: 'timed_out' }, durationMs: 15_000 }));
    expect(ep.maybeLong).toBe(true);
    for (let n = 0; n < 6; n += 1) enter(ep, String(n));
    await turn();
    expect(told.filter((text) => /^\d begins/.test(text))).toHaveLength(4);
    for (let n = 0; n < 4; n += 1) gate.leave(ep, ok());
    await turn();
    expect(told.filter((text) => /^\d begins/.test(text))).toHaveLength(5);
    // three seconds an attempt by now: the second in line would not be served within one
    expect(told).toContain('5 is parked: at_cap');
  });

  it('begins no more at a quick endpoint that falls silent than at an unknown one, until it answers', () => {
    const { gate, time, line, warm, enter, told } = setUp({ slots: 16 });
    const ep = warm(line('ep_1', 16));
    const begun = (): number => told.filter((text) => text.endsWith('begins')).length;
    enter(ep, 'hangs 1');
    time.now = 300; // far longer than the millisecond it took before
    gate.beat();
    for (const n of [2, 3, 4, 5, 6]) enter(ep, `hangs ${n}`);
    expect([begun(), ep.maybeLong]).toEqual([2, true]);
    gate.leave(ep, ok(300));
    gate.beat();
    for (const n of [7, 8, 9]) enter(ep, `answers ${n}`);
    expect([ep.maybeLong, ep.inFlight]).toEqual([false, 8]);
  });

  it('leaves half of them to the others when many endpoints fall silent', () => {
    const { gate, time, line, warm, enter, told } = setUp({ slots: 16 });
    const silent = [1, 2, 3, 4, 5, 6].map((n) => warm(line(`ep_${n}`, 16)));
    const other = warm(line('ep_other', 8));
    const begun = (who: string): number => told.filter((text) => text.startsWith(who) && text.endsWith('begins')).length;
    for (const ep of silent) enter(ep, 'hangs');
    time.now = 300;
    gate.beat();
    for (const ep of silent) for (let n = 0; n < 4; n += 1) enter(ep, 'hangs');
    for (let n = 0; n < 4; n += 1) enter(other, 'other');
    expect([begun('hangs'), begun('other')]).toEqual([8, 4]);
  });

  it('gives one tenant at most a quarter of them when few are left', () => {
    const { line, warm, enter, told } = setUp({ slots: 16 });
    const lines = Array.from({ length: 20 }, (_, n) => warm(line(`ep_${n}`, 2, undefined, 'greedy')));
    const other = warm(line('ep_other', 2, undefined, 'modest'));
    lines.forEach((of, n) => enter(of, `greedy ${n}`));
    // 12 of 16 are taken before less than a quarter is free; then its quarter counts
    expect(told.filter((text) => text.endsWith('begins'))).toHaveLength(13);
    enter(other, 'modest');
    expect(told.at(-1)).toBe('modest begins');
  });
});

/** Five failures in a row. */
const opened = () => {
  const set = setUp();
  const ep = set.line('ep_1', 8);
  for (let n = 0; n < 5; n += 1) {
    void set.gate.enter(ep, 'turn', 1);
    set.gate.leave(ep, failed());
  }
  return { ...set, ep };
};

describe('the gate, by circuit', () => {
  it('parks at once what comes for an endpoint that fails', () => {
    const { enter, ep, told, gate } = opened();
    enter(ep, 'a');
    enter(ep, 'b', 'parked');
    expect(told).toEqual(['a is parked: circuit_open', 'b stays']);
    expect([gate.attemptsInFlight, gate.circuitsOpen]).toEqual([0, 1]);
  });

  it('sends those away who wait when it opens', async () => {
    const { gate, line, enter, told } = setUp();
    const ep = line('ep_1', 2);
    for (let n = 0; n < 4; n += 1) {
      void gate.enter(ep, 'turn', 1);
      gate.leave(ep, failed());
    }
    for (const name of ['last straw', 'also', 'waits']) enter(ep, name);
    enter(ep, 'waits parked', 'parked');
    gate.leave(ep, failed());
    await turn();
    expect(told).toEqual(['last straw begins', 'also begins', 'waits is parked: circuit_open', 'waits parked stays']);
  });

  it('asks for one parked delivery when a probe is due, and for more as it goes well', () => {
    const { gate, time, enter, ep, told, rooms } = opened();
    expect(gate.roomForParked(ep)).toBe(0);
    time.now = 999;
    gate.beat();
    expect(rooms).toEqual([]);
    time.now = 1_001;
    gate.beat();
    expect(rooms).toEqual(['ep_1']);
    expect(gate.roomForParked(ep)).toBe(1);
    enter(ep, 'probe', 'parked');
    enter(ep, 'other');
    expect(told).toEqual(['probe begins as a probe', 'other is parked: circuit_open']);
    gate.leave(ep, { ...ok(), probe: true });
    expect(gate.roomForParked(ep)).toBe(2);
  });

  it('waits longer after a probe that fails, and costs nothing meanwhile', () => {
    const { gate, time, enter, ep, told, rooms } = opened();
    time.now = 1_001;
    enter(ep, 'probe', 'parked');
    gate.leave(ep, failed({ probe: true }));
    expect(gate.roomForParked(ep)).toBe(0);
    time.now = 3_000;
    gate.beat();
    expect(rooms).toEqual([]);
    time.now = 3_002;
    gate.beat();
    expect([rooms, told]).toEqual([['ep_1'], ['probe begins as a probe']]);
  });

  it('says when it opens and when it is closed again, and nothing of what is between', () => {
    const { gate, time, enter, ep, circuits } = opened();
    expect(circuits).toEqual(['ep_1 opened: failures']);
    time.now = 1_001;
    enter(ep, 'probe', 'parked');
    gate.leave(ep, failed({ probe: true }));
    for (const now of [3_002, 3_003, 3_004, 3_005]) {
      time.now = now;
      enter(ep, 'again', 'parked');
      expect(circuits).toHaveLength(1);
      gate.leave(ep, { ...ok(), probe: now === 3_002 });
    }
    expect(circuits.slice(1)).toEqual(['ep_1 closed: answered after 3005 ms']);
    gate.forgetCircuit('ep_1');
    expect(circuits).toHaveLength(2);
  });

  it('says that it is closed because the endpoint is another one now', () => {
    const { gate, circuits } = opened();
    gate.forgetCircuit('ep_1');
    expect(circuits).toEqual(['ep_1 opened: failures', 'ep_1 closed: reset after 0 ms']);
  });

  it('remembers how it failed last', () => {
    const { gate, ep } = opened();
    const lastFailure = { at: '2026-01-01T00:00:00.000Z', kind: 'timeout' } as const;
    gate.leave(ep, failed({ failed: lastFailure }));
    expect([gate.known('ep_1')?.lastFailure, gate.known('ep_2')]).toEqual([lastFailure, undefined]);
  });

  it('leaves an endpoint alone as long as it asks', () => {
    const { gate, time, line, enter, told, circuits } = setUp();
    const ep = line('ep_1', 8);
    void gate.enter(ep, 'turn', 1);
    gate.leave(ep, failed({ waitUntilMs: 30_000 }));
    time.now = 29_999;
    enter(ep, 'early');
    time.now = 30_001;
    enter(ep, 'then');
    expect(told).toEqual(['early is parked: circuit_open', 'then begins as a probe']);
    expect(circuits).toEqual(['ep_1 opened: asked_to_wait']);
  });
});

describe('the gate, by rate', () => {
  it('parks what comes over it, and begins what was parked first when its time has come', async () => {
    const { gate, time, line, enter, told, rooms } = setUp();
    const ep = line('ep_1', 8, 2);
    for (const name of ['a', 'b', 'c']) enter(ep, name);
    gate.leave(ep, ok());
    gate.leave(ep, ok());
    expect(told).toEqual(['a begins', 'b begins', 'c is parked: over_rate']);
    expect(gate.roomForParked(ep)).toBe(0);
    time.now = 1_100;
    enter(ep, 'newer');
    expect(told.at(-1)).toBe('newer is parked: over_rate');
    gate.beat();
    expect(rooms).toEqual(['ep_1']);
    expect(gate.roomForParked(ep)).toBe(2);
    for (const name of ['c', 'newer', 'third']) enter(ep, `parked ${name}`, 'parked');
    expect(told.slice(-2)).toEqual(['parked c begins', 'parked newer begins']);
    gate.leave(ep, ok());
    gate.leave(ep, ok());
    time.now = 2_300;
    gate.beat();
    await turn();
    expect(told.at(-1)).toBe('parked third begins');
  });
});
