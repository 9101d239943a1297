import * as fc from 'fast-check';
import { SettledFloor } from './settled-floor.ts';

const readAll = (...sequences: number[]): SettledFloor => {
  const floor = new SettledFloor();
  for (const sequence of sequences) floor.read(sequence, 0);
  return floor;
};

it('rises as far as everything is settled, and no further', () => {
  const floor = readAll(3, 7, 8, 20);
  floor.settle(7, 10);
  expect(floor.due(10)).toEqual({ upTo: undefined, singles: [] });
  floor.settle(3, 20);
  expect(floor.due(20)).toEqual({ upTo: 7, singles: [] });
  floor.purged(7);
  expect([floor.due(30), floor.unremoved, floor.outstanding]).toEqual([{ upTo: undefined, singles: [] }, 0, 2]);
});

it('gives what is settled above it one by one, once it has not moved for a second', () => {
  const floor = readAll(1, 2, 3);
  floor.settle(2, 100);
  expect(floor.due(999).singles).toEqual([]);
  expect(floor.due(1_000).singles).toEqual([2]);
  floor.removedOne(2);
  expect([floor.due(1_000).singles, floor.outstanding]).toEqual([[], 2]);
  floor.settle(1, 5_000);
  expect(floor.floor).toBe(2);
});

it('gives them at once to who leaves', () => {
  const floor = readAll(1, 2, 3);
  floor.settle(2, 100);
  expect(floor.due(100, true)).toEqual({ upTo: undefined, singles: [2] });
});

it('does not count the time before there was anything to move for', () => {
  const floor = readAll(1);
  floor.settle(1, 0);
  floor.read(2, 60_000);
  floor.read(3, 60_000);
  floor.settle(3, 60_500);
  expect(floor.due(60_500).singles).toEqual([]);
});

it('knows what was read before', () => {
  const floor = readAll(5, 6);
  expect([floor.read(5, 0), floor.read(6, 0), floor.read(7, 0)]).toEqual([false, false, true]);
});

it('says how long the oldest settled message has waited to be removed', () => {
  const floor = readAll(1, 2, 3);
  floor.settle(3, 100);
  floor.settle(1, 200);
  expect(floor.oldestUnremovedMs).toBe(100);
  floor.removedOne(3);
  expect(floor.oldestUnremovedMs).toBe(200);
  floor.purged(1);
  expect(floor.oldestUnremovedMs).toBeUndefined();
});

it('passes over what somebody else removed', () => {
  const floor = readAll(1, 2);
  floor.settle(1, 0, false);
  floor.settle(2, 0);
  expect(floor.due(0).upTo).toBe(2);
});

it('never lets a purge reach what is not settled, and ends with everything removed', () => {
  fc.assert(
    fc.property(fc.uniqueArray(fc.integer({ min: 1, max: 5_000 }), { minLength: 1, maxLength: 300 }), fc.infiniteStream(fc.nat()), (numbers, random) => {
      const sequences = numbers.toSorted((a, b) => a - b);
      const pick = (below: number): number => (random.next().value as number) % below;
      const floor = new SettledFloor();
      const open: number[] = [];
      const stored = new Set<number>();
      let now = 0;
      const wrong: string[] = [];
      const remove = (): void => {
        const { upTo = 0, singles } = floor.due(now);
        if (open.some((sequence) => sequence <= upTo)) wrong.push(`a purge up to ${upTo} reaches what is open`);
        for (const sequence of stored) if (sequence <= upTo) stored.delete(sequence);
        floor.purged(upTo);
        for (const single of singles) {
          if (open.includes(single) || !stored.delete(single)) wrong.push(`${single} is not to be removed`);
          floor.removedOne(single);
        }
      };
      for (const sequence of sequences) {
        now += pick(300);
        floor.read(sequence, now);
        stored.add(sequence);
        open.push(sequence);
        if (pick(2) === 0) floor.settle(open.splice(pick(open.length), 1)[0] as number, now);
        if (pick(4) === 0) remove();
        expect(floor.outstanding).toBe(stored.size);
      }
      while (open.length > 0) floor.settle(open.splice(pick(open.length), 1)[0] as number, now);
      remove();
      expect([wrong, stored.size, floor.outstanding, floor.unremoved]).toEqual([[], 0, 0, 0]);
    }),
  );
});
