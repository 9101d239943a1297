import { Breaker } from './breaker.ts';

describe('the breaker', () => {
  it('opens at once on a refusal or a lost connection', () => {
    for (const fault of ['away', 'full', 'read_only', 'refused'] as const) {
      const breaker = new Breaker();
      expect(breaker.failed(fault, 'why', 5)).toBe(true);
      expect(breaker.state).toEqual({ open: true, fault, detail: 'why', sinceMs: 5 });
    }
  });

  it('opens on three late groups in a row, and not on late ones with answers between', () => {
    const breaker = new Breaker();
    expect([breaker.failed('slow', '', 0), breaker.failed('slow', '', 0)]).toEqual([false, false]);
    breaker.answered();
    expect([breaker.failed('slow', '', 0), breaker.failed('slow', '', 0), breaker.failed('slow', '', 0)]).toEqual([false, false, true]);
  });

  it('closes after two good looks in a row', () => {
    const breaker = new Breaker();
    breaker.failed('away', '', 0);
    expect(breaker.looksGood()).toBe(false);
    expect(breaker.failed('slow', 'still', 1)).toBe(false);
    expect(breaker.state).toMatchObject({ fault: 'slow', detail: 'still', sinceMs: 0 });
    expect([breaker.looksGood(), breaker.looksGood()]).toEqual([false, true]);
    breaker.close(2);
    expect(breaker.state).toEqual({ open: false });
  });

  it('asks for more of a store that relapses, up to a bound, and forgives one that was well for long', () => {
    const breaker = new Breaker();
    const looksUntilGood = (): number => {
      for (let looks = 1; ; looks += 1) if (breaker.looksGood()) return looks;
    };
    const wanted: number[] = [];
    for (const atMs of [0, 1_000, 2_000, 3_000, 4_000, 34_000]) {
      breaker.failed('away', '', atMs);
      wanted.push(looksUntilGood());
      breaker.close(atMs);
    }
    expect(wanted).toEqual([2, 4, 8, 16, 16, 2]);
  });
});
