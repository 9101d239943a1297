import { assert, double, integer, property } from 'fast-check';
import { Rate } from './rate.ts';

describe('a rate', () => {
  it('allows so many in a second, and the next when the oldest is over a second ago', () => {
    const rate = new Rate(3);
    for (const at of [0, 10, 20]) {
      expect(rate.available(at)).toBeGreaterThan(0);
      rate.take(at);
    }
    expect(rate.available(1_000)).toBe(0);
    expect(rate.available(1_020)).toBe(1);
    expect(rate.available(1_040)).toBe(3);
  });

  it.each([
    { perSecond: 2, free: [0, 1] },
    { perSecond: 6, free: [1, 3] },
  ])('remembers what began lately when it becomes $perSecond, and what is more comes a second later', ({ perSecond, free }) => {
    const rate = new Rate(4);
    for (const at of [0, 300, 600]) rate.take(at);
    const resized = rate.resized(perSecond, 700);
    // by 1,330 the first and the second are over a second ago
    expect([700, 1_330].map((now) => resized.available(now))).toEqual(free);
    expect(resized.available(1_750)).toBe(perSecond);
  });

  it('keeps what it promised from others, for a moment', () => {
    const rate = new Rate(4);
    rate.promise(3, 0);
    expect([rate.available(0), rate.unpromised(0)]).toEqual([4, 1]);
    rate.take(10);
    expect([rate.available(10), rate.unpromised(10)]).toEqual([3, 1]);
    // the other two never came
    expect(rate.unpromised(251)).toBe(3);
  });

  it('below one a second spaces them', () => {
    const rate = new Rate(0.5);
    rate.take(0);
    expect(rate.available(2_000)).toBe(0);
    expect(rate.available(2_040)).toBe(1);
  });

  it('never has more than its number in any second, however often one asks', () => {
    assert(
      property(integer({ min: 1, max: 50 }), double({ min: 0.5, max: 40, noNaN: true }), (perSecond, stepMs) => {
        const rate = new Rate(perSecond);
        const starts: number[] = [];
        for (let now = 0; now < 5_000; now += stepMs) {
          if (rate.available(now) === 0) continue;
          rate.take(now);
          starts.push(now);
        }
        starts.forEach((start, n) => expect(starts.filter((other, m) => m >= n && other - start < 1_000).length).toBeLessThanOrEqual(perSecond));
      }),
      { numRuns: 50 },
    );
  });
});
