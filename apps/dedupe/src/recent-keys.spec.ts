import type { Mark } from './index/mark.ts';
import { RecentKeys, type Verdict } from './recent-keys.ts';

const WINDOW_MS = 60_000;
const mark = (sequence: number, over: Partial<Mark> = {}): Mark => ({ world: 'w', sequence, place: 0, acceptedAtMs: 1_000_000, event: 'evt_a', checksum: 'x', again: false, ...over });
const claim = (keys: RecentKeys, key: string, of: Mark, nowMs = 0): Verdict => keys.claim(key, of, WINDOW_MS, nowMs);
const mine = (verdict: Verdict) => {
  if (verdict.kind !== 'mine') throw new Error('expected to be the first');
  return verdict;
};
const duplicate = (verdict: Verdict) => {
  if (verdict.kind !== 'duplicate') throw new Error('expected to be a duplicate');
  return verdict.recent;
};

describe('recent keys', () => {
  it('know a key that another message brought', async () => {
    const keys = new RecentKeys(10, 1_000);
    mine(claim(keys, 'a', mark(1))).settle(true);
    const { of, stored } = duplicate(claim(keys, 'a', mark(2)));
    expect([of.sequence, await stored]).toEqual([1, true]);
  });

  it('never take a message for the duplicate of itself: a worker may die between claiming and publishing', () => {
    const keys = new RecentKeys(10, 1_000);
    claim(keys, 'a', mark(1));
    expect(mine(claim(keys, 'a', mark(1))).again).toBe(false);
  });

  it('free a key whose event could not be stored, and say so to whoever waits on it', async () => {
    const keys = new RecentKeys(10, 1_000);
    const first = mine(claim(keys, 'a', mark(1)));
    const second = duplicate(claim(keys, 'a', mark(2)));
    first.settle(false);
    await expect(second.stored).resolves.toBe(false);
    mine(claim(keys, 'a', mark(2)));
  });

  it('point to whoever the index named instead', async () => {
    const keys = new RecentKeys(10, 1_000);
    const first = mine(claim(keys, 'a', mark(7)));
    const waiting = duplicate(claim(keys, 'a', mark(8)));
    first.settle(true, mark(1, { event: 'evt_original' }));
    expect([await waiting.stored, waiting.of.event]).toEqual([true, 'evt_original']);
    expect(duplicate(claim(keys, 'a', mark(9))).of.event).toBe('evt_original');
  });

  it('let an honest repetition pass: two acceptances further apart than the window, handled in one backlog', () => {
    const keys = new RecentKeys(10, 1_000);
    mine(claim(keys, 'a', mark(1))).settle(true);
    const later = mark(2, { acceptedAtMs: 1_000_000 + WINDOW_MS });
    expect(mine(claim(keys, 'a', later)).again).toBe(true);
    expect(mine(claim(keys, 'a', later)).again).toBe(true); // handed out once more
    duplicate(claim(keys, 'a', mark(3, { acceptedAtMs: later.acceptedAtMs + 1 })));
    // the older one again: it is itself still, and does not hide the younger
    expect(mine(claim(keys, 'a', mark(1))).again).toBe(true);
    duplicate(claim(keys, 'a', mark(4, { acceptedAtMs: later.acceptedAtMs + 2 })));
  });

  it('forget by age', () => {
    const keys = new RecentKeys(10, 1_000);
    claim(keys, 'a', mark(1), 0);
    expect([claim(keys, 'a', mark(2), 999).kind, claim(keys, 'a', mark(3), 1_000).kind]).toEqual(['duplicate', 'mine']);
  });

  it('never hold more than their bound, the oldest going first', () => {
    const keys = new RecentKeys(3, 1_000);
    for (const [n, key] of ['a', 'b', 'c', 'd'].entries()) claim(keys, key, mark(n + 1));
    expect(keys.size).toBe(3);
    duplicate(claim(keys, 'd', mark(9)));
    mine(claim(keys, 'a', mark(9)));
  });
});
