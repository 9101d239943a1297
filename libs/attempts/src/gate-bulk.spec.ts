import { Gate, type Ended, type GateLimits } from './gate.ts';
import type { Admission, Line, Place } from './line.ts';

const limits: GateLimits = { slots: 16, maxWaitMs: 1_000, maxWaitingPerEndpoint: 200, maxWaitingBytes: 1_000 };
const ok: Ended = { cap: { type: 'succeeded' }, circuit: 'succeeded', probe: false, durationMs: 1 };

/** What is under way, in the order in which it began, and what was parked. */
const setUp = (over: Partial<GateLimits> = {}) => {
  const time = { now: 0 };
  const gate = new Gate({ ...limits, ...over }, () => undefined, () => time.now);
  const underWay: { line: Line; from: Place }[] = [];
  const begun: Place[] = [];
  const parked: Place[] = [];
  const told = (line: Line, from: Place, { go }: Admission): void => {
    if (go !== 'begin') return void parked.push(from);
    begun.push(from);
    underWay.push({ line, from });
  };
  const enter = (line: Line, from: Place, bytes = 1): void => {
    const answer = gate.enter(line, from, bytes);
    if (answer instanceof Promise) void answer.then((admission) => told(line, from, admission));
    else told(line, from, answer);
  };
  const end = async (): Promise<void> => {
    const oldest = underWay.shift();
    if (oldest) gate.leave(oldest.line, ok, oldest.from);
    await new Promise((resolve) => setImmediate(resolve));
  };
  /** One that answers quickly, with its whole cap. */
  const line = (id: string, limit = 64): Line => {
    const of = gate.line(id, { tenant: id, limit });
    for (let n = 0; n < 8; n += 1) {
      void gate.enter(of, 'turn', 1);
      gate.leave(of, ok, 'turn');
    }
    return of;
  };
  return { gate, time, begun, parked, enter, end, line };
};
const many = (count: number, act: (n: number) => void): void => Array.from({ length: count }, (_, n) => n).forEach(act);

describe('the gate, by lane', () => {
  it('leaves half of the slots to others, however much bulk there is', () => {
    const { enter, line, begun } = setUp();
    const lines = Array.from({ length: 8 }, (_, n) => line(`ep_bulk${n}`));
    many(100, (n) => enter(lines[n % 8] as Line, 'bulk'));
    expect(begun).toHaveLength(8);
    enter(line('ep_fresh'), 'turn');
    expect(begun.filter((from) => from === 'turn')).toHaveLength(1);
  });

  it('serves others first, and bulk with every eighth', async () => {
    const { enter, end, line, begun } = setUp();
    const [bulk, ...others] = Array.from({ length: 8 }, (_, n) => line(`ep_${n}`)) as [Line, ...Line[]];
    many(16, (n) => enter(others[n % 7] as Line, 'turn'));
    many(20, () => enter(bulk, 'bulk'));
    many(160, (n) => enter(others[n % 7] as Line, 'turn'));
    expect(begun).toHaveLength(16);
    for (let n = 0; n < 80; n += 1) await end();
    expect(begun.slice(16).filter((from) => from === 'bulk')).toHaveLength(10);
    expect(begun).toHaveLength(96);
  });

  it('holds it so at one endpoint’s cap, too', async () => {
    const { enter, end, line, begun } = setUp();
    const ep = line('ep_1', 2);
    many(2, () => enter(ep, 'turn'));
    many(10, () => enter(ep, 'bulk'));
    many(90, () => enter(ep, 'turn'));
    for (let n = 0; n < 40; n += 1) await end();
    expect(begun.slice(2).filter((from) => from === 'bulk')).toHaveLength(5);
  });

  it('gives bulk everything that nobody else wants', async () => {
    const { enter, end, line, begun } = setUp({ slots: 4 });
    const ep = line('ep_1');
    many(20, () => enter(ep, 'bulk'));
    for (let n = 0; n < 20; n += 1) await end();
    expect(begun).toHaveLength(20);
  });

  it('lets bulk hold a quarter of the slots with attempts that may be long', () => {
    const { gate, enter, begun } = setUp();
    const unknown = (id: string): Line => gate.line(id, { tenant: id, limit: 64 });
    many(8, (n) => enter(unknown(`ep_bulk${n}`), 'bulk'));
    expect(begun).toHaveLength(4);
    many(8, (n) => enter(unknown(`ep_${n}`), 'turn'));
    expect(begun.filter((from) => from === 'turn')).toHaveLength(4);
  });

  it('does not count what is in bulk against the wait that others expect, nor against their memory', () => {
    const { enter, line, parked, gate } = setUp({ slots: 4 });
    const ep = line('ep_1', 2);
    many(2, () => enter(ep, 'turn'));
    // half of the memory is bulk's
    many(3, () => enter(ep, 'bulk', 200));
    expect(parked).toEqual(['bulk']);
    enter(ep, 'turn', 400);
    expect([parked, gate.bytesWaiting]).toEqual([['bulk'], 800]);
  });

  it('parks what waited in bulk for a second, as it does with others', async () => {
    const { gate, time, enter, line, parked } = setUp({ slots: 1 });
    const ep = line('ep_1', 1);
    enter(ep, 'turn');
    enter(ep, 'bulk');
    time.now = 1_001;
    gate.beat();
    await new Promise((resolve) => setImmediate(resolve));
    expect(parked).toEqual(['bulk']);
  });

  it('leaves what waits in bulk for nothing but a slot where it is', async () => {
    const { gate, time, enter, line, parked } = setUp({ slots: 2 });
    const [busy, ep] = [line('ep_busy'), line('ep_1')];
    many(2, () => enter(busy, 'turn'));
    enter(ep, 'bulk');
    time.now = 60_000;
    gate.beat();
    await new Promise((resolve) => setImmediate(resolve));
    expect([parked, gate.waitingNow]).toEqual([[], 1]);
  });

  it('knows what was parked of it: its half of the slots, its turn after the others, and it is not parked again', async () => {
    const { gate, time, enter, end, line, begun, parked } = setUp();
    const [lines, others] = ['bulk', ''].map((kind) => Array.from({ length: 8 }, (_, n) => line(`ep_${kind}${n}`))) as [Line[], Line[]];
    many(100, (n) => enter(lines[n % 8] as Line, 'parked_bulk'));
    expect(begun).toHaveLength(8);
    many(80, (n) => enter(others[n % 8] as Line, 'turn'));
    expect(begun.filter((from) => from === 'turn')).toHaveLength(8);
    for (let n = 0; n < 8; n += 1) await end(); // all that is under way of bulk, so that it might begin again
    // seven of the others, and bulk's eighth
    expect(begun.slice(16).filter((from) => from === 'parked_bulk')).toHaveLength(1);
    time.now = 60_000;
    gate.beat();
    await new Promise((resolve) => setImmediate(resolve));
    expect(parked).not.toContain('parked_bulk');
  });

  it('counts what it has read of a parked endpoint in bulk, so that no more is read', () => {
    const { gate, enter, line } = setUp({ slots: 2 });
    const ep = line('ep_1', 2);
    const busy = line('ep_busy');
    const before = gate.roomForParked(ep);
    many(2, () => enter(busy, 'turn'));
    many(before, () => enter(ep, 'parked_bulk'));
    expect([before, gate.roomForParked(ep)]).toEqual([8, 0]);
  });

  it('leaves what was parked of it where it is, when half of the memory is taken or the circuit opens', async () => {
    const { gate, enter, line, parked } = setUp({ slots: 1 });
    const [busy, ep] = [line('ep_busy'), line('ep_1', 4)];
    enter(busy, 'turn');
    enter(ep, 'parked_bulk', 400);
    expect(gate.enter(ep, 'parked_bulk', 200)).toEqual({ go: 'stay' });
    gate.close();
    await new Promise((resolve) => setImmediate(resolve));
    expect([parked, gate.bytesWaiting]).toEqual([['parked_bulk'], 0]);
  });
});
