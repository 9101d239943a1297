import { Pace } from './pace.ts';

const useUp = (pace: Pace, nowMs: number): number => {
  const available = pace.available(nowMs);
  for (let n = 0; n < available; n += 1) pace.took();
  expect(pace.available(nowMs + 500)).toBe(0);
  return available;
};

describe('the pace of a backlog', () => {
  it('doubles each second that was used up, to a bound', () => {
    const pace = new Pace();
    expect(Array.from({ length: 7 }, (_, second) => useUp(pace, (second + 1) * 1_000))).toEqual([250, 500, 1_000, 2_000, 4_000, 8_000, 8_000]);
  });

  it('is not used up by what was not begun after all', () => {
    const pace = new Pace();
    pace.available(1_000);
    for (let n = 0; n < 1_000; n += 1) {
      pace.took();
      pace.gaveBack();
    }
    expect(pace.available(1_500)).toBe(250);
  });

  it('begins anew after a quiet second, and when told', () => {
    const pace = new Pace();
    useUp(pace, 1_000);
    useUp(pace, 2_000);
    expect(pace.available(3_000)).toBe(1_000);
    expect(pace.available(4_000)).toBe(250);
    useUp(pace, 4_000);
    pace.restart();
    expect(pace.available(5_000)).toBe(500);
  });
});
