import { jest } from '@jest/globals';
import { Lingering } from './linger.ts';

const MS = 50;

beforeEach(() => jest.useFakeTimers());
afterEach(() => jest.useRealTimers());

const start = (): { lingering: Lingering; over: () => number } => {
  let over = 0;
  return { lingering: new Lingering({ ms: MS, messages: 3 }, () => (over += 1)), over: () => over };
};

describe('Lingering', () => {
  it('holds what waits until so many are there', () => {
    const { lingering } = start();
    expect([1, 2, 3, 4].map((waiting) => lingering.holds(waiting, false))).toEqual([true, true, false, false]);
  });

  it('holds it until the first has waited so long, and from then on no more until it is taken', () => {
    const { lingering, over } = start();
    lingering.holds(1, false);
    jest.advanceTimersByTime(MS - 1);
    expect([lingering.holds(2, false), over()]).toEqual([true, 0]);
    jest.advanceTimersByTime(1);
    expect([lingering.holds(2, false), lingering.holds(1, false), over()]).toEqual([false, false, 1]);
    lingering.taken();
    expect(lingering.holds(1, false)).toBe(true);
  });

  it('begins anew for what is left when a group was taken', () => {
    const { lingering, over } = start();
    lingering.holds(2, false);
    jest.advanceTimersByTime(MS - 1);
    lingering.taken();
    lingering.holds(1, false);
    jest.advanceTimersByTime(MS - 1);
    expect(over()).toBe(0);
    jest.advanceTimersByTime(1);
    expect(over()).toBe(1);
  });

  it('holds nothing that is as much as a group may be, and nothing while no company can come', () => {
    let isAlone = false;
    const lingering = new Lingering({ ms: MS, messages: 3, isAlone: () => isAlone }, () => undefined);
    expect([lingering.holds(1, true), lingering.holds(1, false)]).toEqual([false, true]);
    isAlone = true;
    expect(lingering.holds(1, false)).toBe(false);
  });

  it('holds nothing where there is no linger', () => {
    expect(new Lingering(undefined, () => undefined).holds(1, false)).toBe(false);
  });
});
