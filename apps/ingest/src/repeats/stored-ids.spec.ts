import { derivedEventId } from '@spillway/contracts';
import { StoredIds } from './stored-ids.ts';

const HELD_MS = 120_000;
const A = 'checksmA';
const B = 'checksmB';
const id = (n: number): string => derivedEventId('acme', `key-${n}`);

const given = (idsMax = 1_024) => {
  const ids = new StoredIds(idsMax, HELD_MS);
  const isStored = (n: number, checksum: string, nowMs: number): boolean => {
    const slot = ids.find(id(n), nowMs);
    return slot >= 0 && ids.hasBody(slot, checksum);
  };
  return { ids, isStored };
};

describe('stored ids', () => {
  it('are known with their body, and no other, until their time is over', () => {
    const { ids, isStored } = given();
    ids.store(id(1), A, 1_000);
    expect([isStored(1, A, 1_000), isStored(1, B, 1_000), isStored(2, A, 1_000)]).toEqual([true, false, false]);
    expect([isStored(1, A, 1_000 + HELD_MS - 1), isStored(1, A, 1_000 + HELD_MS)]).toEqual([true, false]);
    expect([ids.count(1_000), ids.count(1_000 + HELD_MS)]).toEqual([1, 0]);
  });

  it('keep the body that came first while it is held, and the time of the last copy', () => {
    const { ids, isStored } = given();
    ids.store(id(1), A, 0);
    ids.store(id(1), B, 10);
    expect([isStored(1, A, 20), isStored(1, B, 20)]).toEqual([true, false]);
    ids.store(id(1), A, 100_000);
    expect(isStored(1, A, HELD_MS + 1)).toBe(true);
    ids.store(id(1), B, 100_000 + HELD_MS);
    expect([isStored(1, A, 300_000), isStored(1, B, 300_000), ids.count(300_000)]).toEqual([false, true, 1]);
  });

  it.each([1, 5, 8, 100, 4_096])('are never more than %i, and the newest is always among them', (idsMax) => {
    const { ids, isStored } = given(idsMax);
    for (let n = 0; n < 3 * idsMax; n += 1) {
      ids.store(id(n), A, n);
      if (!isStored(n, A, n)) throw new Error(`${n} was not held`);
    }
    expect(ids.count(3 * idsMax)).toBeLessThanOrEqual(idsMax);
    expect(ids.count(3 * idsMax)).toBeGreaterThanOrEqual(Math.floor(idsMax * 0.9));
  });

  it('hold nearly all of a flood that fills them to three quarters', () => {
    const { ids, isStored } = given(16_384);
    for (let n = 0; n < 12_288; n += 1) ids.store(id(n), A, n / 10);
    let known = 0;
    for (let n = 0; n < 12_288; n += 1) if (isStored(n, A, 5_000)) known += 1;
    expect(known).toBeGreaterThan(0.9 * 12_288);
  });

  it('forget all at once, and begin anew', () => {
    const { ids, isStored } = given();
    for (let n = 0; n < 100; n += 1) ids.store(id(n), A, n);
    ids.forget();
    expect([ids.count(100), isStored(7, A, 100)]).toEqual([0, false]);
    ids.store(id(7), B, 200);
    expect(isStored(7, B, 200)).toBe(true);
  });

  it('are none at a bound of none', () => {
    const { ids } = given(0);
    ids.store(id(1), A, 0);
    expect([ids.find(id(1), 0), ids.count(0)]).toEqual([-1, 0]);
  });
});
