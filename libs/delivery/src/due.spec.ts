import * as fc from 'fast-check';
import { lengthened, roundUpToBucket } from './due.ts';

const noon = new Date('2026-01-01T12:00:00Z');
const inMs = (ms: number): Date => new Date(noon.getTime() + ms);

it.each([
  [1, 1_000],
  [1_000, 1_000],
  [119_500, 120_000],
  [120_000, 120_000],
  [120_001, 130_000],
  [7_185_000, 7_190_000],
  [7_200_000, 7_200_000],
  [7_200_001, 7_260_000],
  [86_399_999, 86_400_000],
])('a wait of %d ms ends in the bucket at %d ms', (waitMs, bucketMs) => {
  expect(roundUpToBucket(inMs(waitMs), noon)).toEqual(inMs(bucketMs));
});

it('rounds up and never down, by less than the width of the bucket', () => {
  fc.assert(
    fc.property(fc.date({ min: new Date(0), max: new Date(4e12), noInvalidDate: true }), fc.nat(30 * 86_400_000), (now, waitMs) => {
      const at = new Date(now.getTime() + waitMs);
      const lateMs = roundUpToBucket(at, now).getTime() - at.getTime();
      expect(lateMs).toBeGreaterThanOrEqual(0);
      expect(lateMs).toBeLessThan(waitMs <= 120_000 ? 1_000 : waitMs <= 7_200_000 ? 10_000 : 60_000);
    }),
  );
});

it('jitter lengthens, by a fifth at most', () => {
  fc.assert(
    fc.property(fc.nat(86_400_000), fc.double({ min: 0, max: 1, noNaN: true }), (waitMs, jitter) => {
      expect(lengthened(waitMs, jitter)).toBeGreaterThanOrEqual(waitMs);
      expect(lengthened(waitMs, jitter)).toBeLessThanOrEqual(Math.ceil(waitMs * 1.2));
    }),
  );
});
