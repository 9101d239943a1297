import { Gate, type GateLimits } from './gate.ts';
import type { Line } from './line.ts';

const limits: GateLimits = { slots: 8, maxWaitMs: 1_000, maxWaitingPerEndpoint: 20, maxWaitingBytes: 1_000 };
const ok = { type: 'succeeded' } as const;

/** Earns a line its whole cap: each success doubles it. */
const warm = (gate: Gate, line: Line, durationMs = 1): Line => {
  for (let n = 0; n < 8; n += 1) {
    expect(gate.enter(line, 'turn', 1)).toBe(true);
    gate.leave(line, ok, durationMs);
  }
  return line;
};

/** Enters and notes what it was told, in the order of being told. */
const log = () => {
  const told: string[] = [];
  const enter = (gate: Gate, line: Line, name: string, from: 'turn' | 'parked' = 'turn', bytes = 1): void => {
    const answer = gate.enter(line, from, bytes);
    if (typeof answer === 'boolean') told.push(`${name} ${answer ? 'begins' : 'is parked'}`);
    else void answer.then((begins) => told.push(`${name} ${begins ? 'begins' : 'is parked'}`));
  };
  return { told, enter };
};
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe('the gate', () => {
  it('lets an unknown endpoint have two attempts, and more as it answers', () => {
    const gate = new Gate(limits);
    const line = gate.line('ep_1', 6);
    expect([gate.enter(line, 'turn', 1), gate.enter(line, 'turn', 1)]).toEqual([true, true]);
    expect(line.hasRoom).toBe(false);
    gate.leave(line, ok, 1);
    expect(line.capNow).toBe(4);
    gate.leave(line, ok, 1);
    expect(line.capNow).toBe(6);
    expect(gate.attemptsInFlight).toBe(0);
  });

  it('never has more at an endpoint than its cap, and serves who waits in order', async () => {
    const gate = new Gate(limits);
    const line = warm(gate, gate.line('ep_1', 3));
    const { told, enter } = log();
    for (const name of ['a', 'b', 'c', 'd', 'e']) enter(gate, line, name);
    expect([line.inFlight, line.waiting]).toEqual([3, 2]);
    gate.leave(line, ok, 1);
    gate.leave(line, ok, 1);
    await turn();
    expect(told).toEqual(['a begins', 'b begins', 'c begins', 'd begins', 'e begins']);
    expect(line.inFlight).toBe(3);
  });

  it('parks what would wait longer than a second', () => {
    const gate = new Gate(limits);
    const line = warm(gate, gate.line('ep_1', 2), 300);
    const { told, enter } = log();
    // two under way, 300 ms each: the sixth to wait would wait 6 ÷ 2 × 300 ms
    for (let n = 0; n < 9; n += 1) enter(gate, line, String(n));
    expect(told).toEqual(['0 begins', '1 begins', '8 is parked']);
  });

  it('parks what exceeds the endpoint’s places in memory, or the memory', () => {
    const gate = new Gate(limits);
    const line = warm(gate, gate.line('ep_1', 2));
    const { told, enter } = log();
    for (let n = 0; n < 23; n += 1) enter(gate, line, String(n));
    expect(told).toEqual(['0 begins', '1 begins', '22 is parked']);
    const other = warm(gate, gate.line('ep_2', 2));
    for (let n = 0; n < 2; n += 1) enter(gate, other, `o${n}`);
    enter(gate, other, 'big', 'turn', 990);
    expect(told.at(-1)).toBe('big is parked');
  });

  it('parks, a second later, what was expected to go sooner', async () => {
    const gate = new Gate(limits);
    const line = gate.line('ep_1', 2);
    const { told, enter } = log();
    for (const name of ['a', 'b', 'late', 'later']) enter(gate, line, name);
    gate.parkTheLate(performance.now() + 900);
    await turn();
    expect(told).toEqual(['a begins', 'b begins']);
    gate.parkTheLate(performance.now() + 1_100);
    await turn();
    expect(told).toEqual(['a begins', 'b begins', 'late is parked', 'later is parked']);
    expect(gate.bytesWaiting).toBe(0);
  });

  it('gives at least half of the slots that fall free to what was parked', async () => {
    const gate = new Gate(limits);
    const line = warm(gate, gate.line('ep_1', 1));
    const { told, enter } = log();
    enter(gate, line, 'first');
    for (const n of [1, 2, 3]) enter(gate, line, `fresh ${n}`);
    for (const n of [1, 2, 3]) enter(gate, line, `parked ${n}`, 'parked');
    for (let n = 0; n < 6; n += 1) {
      gate.leave(line, ok, 1);
      await turn();
    }
    expect(told.slice(1, 5).filter((text) => text.startsWith('parked'))).toHaveLength(2);
    expect(told).toHaveLength(7);
  });

  it('lets endpoints take turns when the slots of the process are short', async () => {
    const gate = new Gate({ ...limits, slots: 2 });
    const greedy = warm(gate, gate.line('ep_greedy', 10));
    const modest = warm(gate, gate.line('ep_modest', 10));
    const { told, enter } = log();
    for (const n of [1, 2, 3, 4]) enter(gate, greedy, `greedy ${n}`);
    enter(gate, modest, 'modest');
    gate.leave(greedy, ok, 1);
    gate.leave(greedy, ok, 1);
    await turn();
    expect(told).toContain('modest begins');
    expect(gate.attemptsInFlight).toBe(2);
  });

  it('reads parked deliveries in slices, and none while enough of them wait', () => {
    const gate = new Gate(limits);
    const line = warm(gate, gate.line('ep_1', 4));
    expect(gate.roomForParked(line)).toBe(16);
    for (let n = 0; n < 4 + 12; n += 1) void gate.enter(line, 'parked', 1);
    expect(gate.roomForParked(line)).toBe(0);
    expect(gate.enter(line, 'parked', 1)).toBeInstanceOf(Promise);
  });

  it('follows a cap that is lowered, letting what is under way end', () => {
    const gate = new Gate(limits);
    const line = warm(gate, gate.line('ep_1', 6));
    for (let n = 0; n < 6; n += 1) expect(gate.enter(line, 'turn', 1)).toBe(true);
    gate.line('ep_1', 2);
    gate.leave(line, ok, 1);
    expect([line.inFlight, line.hasRoom]).toEqual([5, false]);
  });
});
