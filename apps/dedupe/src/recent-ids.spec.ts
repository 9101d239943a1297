import { RecentIds, type Verdict } from './recent-ids.ts';

const claim = (ids: RecentIds, key: string, sequence: number, nowMs = 0): Verdict => ids.claim(key, sequence, 7, nowMs);

describe('recent ids', () => {
  it('know an id that another message brought', async () => {
    const ids = new RecentIds(10, 1_000);
    const first = claim(ids, 'a', 1);
    if (first.kind !== 'mine') throw new Error('the first is mine');
    first.settle(true);
    const second = claim(ids, 'a', 2);
    if (second.kind !== 'duplicate') throw new Error('the second is a duplicate');
    await expect(second.of.stored).resolves.toBe(true);
  });

  it('never take a message for the duplicate of itself: a worker may die between claiming and publishing', () => {
    const ids = new RecentIds(10, 1_000);
    claim(ids, 'a', 1);
    expect(claim(ids, 'a', 1).kind).toBe('mine');
  });

  it('free an id whose event could not be stored, and say so to whoever waits on it', async () => {
    const ids = new RecentIds(10, 1_000);
    const first = claim(ids, 'a', 1);
    const second = claim(ids, 'a', 2);
    if (first.kind !== 'mine' || second.kind !== 'duplicate') throw new Error('unexpected');
    first.settle(false);
    await expect(second.of.stored).resolves.toBe(false);
    expect(claim(ids, 'a', 2).kind).toBe('mine');
  });

  it('forget by age', () => {
    const ids = new RecentIds(10, 1_000);
    claim(ids, 'a', 1, 0);
    expect(claim(ids, 'a', 2, 999).kind).toBe('duplicate');
    expect(claim(ids, 'a', 3, 1_000).kind).toBe('mine');
  });

  it('never hold more than their bound, the oldest going first', () => {
    const ids = new RecentIds(3, 1_000);
    for (const [n, key] of ['a', 'b', 'c', 'd'].entries()) claim(ids, key, n);
    expect(ids.size).toBe(3);
    expect(claim(ids, 'd', 9).kind).toBe('duplicate');
    expect(claim(ids, 'a', 9).kind).toBe('mine');
  });
});
