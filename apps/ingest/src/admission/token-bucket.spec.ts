import { TokenBucket } from './token-bucket.ts';

describe('TokenBucket', () => {
  it('gives a second’s worth at once, then as many as come', () => {
    const bucket = new TokenBucket(10, 0);
    expect(bucket.take(100, 0)).toBe(10);
    expect(bucket.take(1, 50)).toBe(0);
    expect(bucket.take(5, 300)).toBe(3);
    expect(bucket.left(1_300)).toBe(10);
  });

  it('never holds more than its window', () => {
    const bucket = new TokenBucket(10, 0);
    expect(bucket.left(1e9)).toBe(10);
  });

  it('keeps its rate however often it is asked', () => {
    const bucket = new TokenBucket(3, 0);
    let taken = 0;
    for (let now = 0; now <= 100_000; now += 7) taken += bucket.take(1, now);
    expect(taken).toBeGreaterThanOrEqual(300);
    expect(taken).toBeLessThanOrEqual(303);
  });

  it('has a longer window for less than one a second', () => {
    const bucket = new TokenBucket(0.1, 0);
    expect([bucket.quota, bucket.windowSeconds]).toEqual([1, 10]);
    expect([bucket.take(1, 0), bucket.take(1, 9_000), bucket.take(1, 10_000)]).toEqual([1, 0, 1]);
  });

  it('says how long it takes', () => {
    const bucket = new TokenBucket(10, 0);
    bucket.take(10, 0);
    expect(bucket.secondsUntil(1, 0)).toBeCloseTo(0.1);
    expect(bucket.secondsUntil(100, 0)).toBeCloseTo(1);
    expect(bucket.secondsUntil(1, 500)).toBe(0);
  });

  it('is not confused by a clock that stands still', () => {
    const bucket = new TokenBucket(10, 1_000);
    bucket.take(10, 1_000);
    expect(bucket.left(1_000)).toBe(0);
    expect(bucket.left(500)).toBe(0);
  });
});
