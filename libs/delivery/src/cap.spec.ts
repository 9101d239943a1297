import * as fc from 'fast-check';
import { capAfter, newCap, type CapEvent } from './cap.ts';
import { shareOf } from './share.ts';

const after = (limit: number, ...types: ('succeeded' | 'timed_out' | 'failed')[]): number =>
  types.reduce((cap, type) => capAfter(cap, { type }), newCap(limit)).inFlightMax;

describe('an earned cap', () => {
  it('begins at 2, doubles with each success and stops at its limit', () => {
    expect(after(48)).toBe(2);
    expect(after(48, 'succeeded')).toBe(4);
    expect(after(48, 'succeeded', 'succeeded', 'succeeded', 'succeeded')).toBe(32);
    expect(after(48, 'succeeded', 'succeeded', 'succeeded', 'succeeded', 'succeeded')).toBe(48);
  });

  it('is halved by a timeout, down to 1, and not by a quick failure', () => {
    expect(after(48, 'succeeded', 'timed_out')).toBe(2);
    expect(after(48, 'timed_out', 'timed_out', 'timed_out')).toBe(1);
    expect(after(48, 'succeeded', 'failed', 'failed')).toBe(4);
  });

  it('never exceeds a limit of 1', () => {
    expect(after(1, 'succeeded', 'succeeded')).toBe(1);
  });

  it('follows a changed limit: down at once, up by earning it', () => {
    const full = ['succeeded', 'succeeded', 'succeeded'] as const;
    const wide = full.reduce((cap, type) => capAfter(cap, { type }), newCap(16));
    expect(capAfter(wide, { type: 'limit_changed', limit: 5 })).toEqual({ inFlightMax: 5, limit: 5 });
    expect(capAfter(wide, { type: 'limit_changed', limit: 48 })).toEqual({ inFlightMax: 16, limit: 48 });
  });

  it('stays between 1 and its limit, whatever happens', () => {
    const event: fc.Arbitrary<CapEvent> = fc.oneof(
      fc.constantFrom<CapEvent>({ type: 'succeeded' }, { type: 'timed_out' }, { type: 'failed' }),
      fc.record({ type: fc.constant('limit_changed' as const), limit: fc.integer({ min: 1, max: 1_000 }) }),
    );
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 1_000 }), fc.array(event), (limit, events) => {
        const { inFlightMax, limit: last } = events.reduce(capAfter, newCap(limit));
        expect(inFlightMax).toBeGreaterThanOrEqual(1);
        expect(inFlightMax).toBeLessThanOrEqual(last);
      }),
    );
  });
});

describe('the share of a cap', () => {
  it.each([
    [1, 1, 0],
    [2, 1, 1],
    [3, 2, 1],
    [5, 4, 1],
    [8, 6, 2],
    [64, 48, 16],
  ])('of %d is %d for the dispatcher and %d for the retrier', (maxInFlight, dispatcher, retrier) => {
    expect(shareOf(maxInFlight)).toEqual({ dispatcher, retrier });
  });

  it('of any cap adds up to it', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 10_000 }), (maxInFlight) => {
        const { dispatcher, retrier } = shareOf(maxInFlight);
        expect(dispatcher + retrier).toBe(maxInFlight);
      }),
    );
  });
});
