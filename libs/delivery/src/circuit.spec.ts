import * as fc from 'fast-check';
import { circuitAfter, circuitRules, mayBegin, newCircuit, type Circuit, type CircuitEvent } from './circuit.ts';

const failed: CircuitEvent = { type: 'failed' };
const succeeded: CircuitEvent = { type: 'succeeded' };
const began: CircuitEvent = { type: 'probe_began' };
const probeFailed: CircuitEvent = { type: 'failed', probe: true };
const probeSucceeded: CircuitEvent = { type: 'succeeded', probe: true };

const after = (nowMs: number, ...events: CircuitEvent[]): Circuit => from(newCircuit(0), nowMs, ...events);
const from = (circuit: Circuit, nowMs: number, ...events: CircuitEvent[]): Circuit =>
  events.reduce((state, event) => circuitAfter(state, event, nowMs), circuit);
const times = (n: number, event: CircuitEvent): CircuitEvent[] => Array.from({ length: n }, () => event);
const pairs = (n: number): CircuitEvent[] => Array.from({ length: n }, () => [succeeded, failed]).flat();
const open = after(0, ...times(5, failed));

describe('a circuit', () => {
  it('opens on five failures in a row, not on four', () => {
    expect(mayBegin(after(0, ...times(4, failed)), 100, 0)).toBe('yes');
    expect(mayBegin(after(0, ...times(4, failed), succeeded, ...times(4, failed)), 100, 0)).toBe('yes');
    expect(mayBegin(open, 0, 0)).toBe('no');
  });

  it('opens when half of at least twenty attempts of a minute failed', () => {
    expect(after(0, ...pairs(9)).is).toBe('closed');
    expect(after(0, ...pairs(10)).is).toBe('open');
  });

  it('is not opened by a success, however many failed before it', () => {
    const failing = Array.from({ length: 4 }, () => [failed, failed, failed, succeeded]).flat();
    const twentieth = after(0, ...failing, ...times(4, succeeded));
    expect([twentieth.is, from(twentieth, 0, failed).is]).toEqual(['closed', 'open']);
  });

  it('forgets the failures of the minute before', () => {
    const before = after(0, ...pairs(9));
    expect(from(before, 60_000, succeeded, failed).is).toBe('closed');
  });

  it('stays closed at one failure in three', () => {
    expect(after(0, ...Array.from({ length: 30 }, () => [succeeded, succeeded, failed]).flat()).is).toBe('closed');
  });

  it('lets one probe through when its time has come, and nobody beside it', () => {
    expect(mayBegin(open, 0, 999)).toBe('no');
    expect(mayBegin(open, 0, 1_000)).toBe('probe');
    expect(mayBegin(from(open, 1_000, began), 0, 100_000)).toBe('no');
  });

  it('probes at growing intervals, at most a minute apart', () => {
    const intervals: number[] = [];
    let circuit = open;
    let nowMs = 0;
    for (let i = 0; i < 9; i += 1) {
      if (circuit.is !== 'open') throw new Error('it should be open');
      intervals.push(circuit.probeAtMs - nowMs);
      nowMs = circuit.probeAtMs;
      circuit = from(circuit, nowMs, began, probeFailed);
    }
    expect(intervals).toEqual([1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 60_000, 60_000, 60_000]);
  });

  it('closes slowly: 2, 4, 8 at once, then freely', () => {
    const answered = from(open, 1_000, began, probeSucceeded);
    expect([mayBegin(answered, 1, 1_000), mayBegin(answered, 2, 1_000)]).toEqual(['yes', 'no']);
    const twice = from(answered, 1_000, succeeded);
    expect([mayBegin(twice, 3, 1_000), mayBegin(twice, 4, 1_000)]).toEqual(['yes', 'no']);
    expect(from(twice, 1_000, succeeded, succeeded)).toEqual(newCircuit(1_000));
  });

  it('opens again at the first failure while closing, for longer than before', () => {
    expect(from(open, 1_000, began, probeSucceeded, succeeded, failed)).toEqual({ is: 'open', probeAtMs: 3_000, intervalMs: 2_000 });
  });

  it('pays no heed to attempts that began before it opened', () => {
    expect(from(open, 500, succeeded, failed)).toEqual(open);
    const probing = from(open, 1_000, began);
    expect(from(probing, 1_000, succeeded, failed)).toEqual(probing);
  });

  it('tries again at once after a probe that had no outcome', () => {
    expect(mayBegin(from(open, 1_000, began, { type: 'probe_dropped' }), 0, 1_000)).toBe('probe');
  });

  it('waits for as long as the endpoint asked, then probes', () => {
    const waiting = after(0, { type: 'asked_to_wait', untilMs: 90_000 });
    expect([mayBegin(waiting, 0, 89_999), mayBegin(waiting, 0, 90_000)]).toEqual(['no', 'probe']);
    const sooner = circuitAfter(waiting, { type: 'asked_to_wait', untilMs: 5_000 }, 0);
    expect(mayBegin(sooner, 0, 5_000)).toBe('no');
  });

  it('never stands still: once left alone for a minute, somebody may go', () => {
    const event: fc.Arbitrary<CircuitEvent> = fc.oneof(
      fc.constantFrom<CircuitEvent>(began, failed, succeeded, probeFailed, probeSucceeded, { type: 'probe_dropped' }),
      fc.record({ type: fc.constant('asked_to_wait' as const), untilMs: fc.nat(100_000) }),
    );
    fc.assert(
      fc.property(fc.array(fc.tuple(event, fc.nat(100_000)), { maxLength: 60 }), (events) => {
        let nowMs = 0;
        let circuit = newCircuit(0);
        for (const [happened, passedMs] of events) circuit = circuitAfter(circuit, happened, (nowMs += passedMs));
        // a probe under way ends by its attempt's deadline, with one of these
        if (circuit.is === 'probing') circuit = circuitAfter(circuit, probeFailed, nowMs);
        const asked = 100_000;
        expect(mayBegin(circuit, 0, nowMs + Math.max(asked, circuitRules.probeMaxMs))).not.toBe('no');
      }),
    );
  });
});
