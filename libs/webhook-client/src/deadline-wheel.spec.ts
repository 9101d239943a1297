import { jest } from '@jest/globals';
import { eventually } from '@spillway/testing';
import { DeadlineWheel, type Timed } from './deadline-wheel.ts';

const ended: string[] = [];
beforeEach(() => {
  ended.length = 0;
});

const timed = (name: string, inMs: number): Timed & { endedMs?: number } => {
  const entry: Timed & { endedMs?: number } = {
    deadlineMs: performance.now() + inMs,
    expire: () => {
      entry.endedMs = performance.now();
      ended.push(name);
    },
  };
  return entry;
};

it('ends each when its time has come, not before, and late by a tick at most on a loop that turns', async () => {
  const wheel = new DeadlineWheel();
  const entries = [400, 20, 120, 260, 121, 1].map((ms) => timed(String(ms), ms));
  for (const entry of entries) wheel.add(entry);
  expect(wheel.waiting).toBe(6);
  await wheel.whenEmpty();
  expect(ended).toHaveLength(6);
  for (const entry of entries) expect(entry.endedMs! - entry.deadlineMs).toBeGreaterThanOrEqual(0);
  expect(ended.slice(0, 2).toSorted()).toEqual(['1', '20']);
  expect(ended.at(-1)).toBe('400');
});

it('forgets what is removed, and removing it twice does no harm', async () => {
  const wheel = new DeadlineWheel();
  const [gone, stays] = [timed('gone', 60), timed('stays', 120)];
  wheel.add(gone);
  wheel.add(stays);
  wheel.remove(gone);
  wheel.remove(gone);
  expect(wheel.waiting).toBe(1);
  await wheel.whenEmpty();
  expect(ended).toEqual(['stays']);
});

it('takes in what is added while others end, and starts again after it was empty', async () => {
  const wheel = new DeadlineWheel();
  await wheel.whenEmpty();
  wheel.add({ deadlineMs: performance.now() + 10, expire: () => wheel.add(timed('second', 60)) });
  await eventually(() => expect(ended).toEqual(['second']));
  wheel.add(timed('third', 10));
  await wheel.whenEmpty();
  expect(ended).toEqual(['second', 'third']);
});

describe('with a clock of its own', () => {
  beforeEach(() => jest.useFakeTimers());
  afterEach(() => jest.useRealTimers());

  it('keeps deadlines beyond one turn of 51 s for a later turn', () => {
    const wheel = new DeadlineWheel();
    wheel.add(timed('far', 120_000));
    wheel.add(timed('near', 1_000));
    jest.advanceTimersByTime(119_000);
    expect(ended).toEqual(['near']);
    jest.advanceTimersByTime(1_100);
    expect(ended).toEqual(['near', 'far']);
    expect(jest.getTimerCount()).toBe(0); // nobody waits, so nothing ticks
  });

  it('ends all that is overdue after a standstill, also one longer than a turn', () => {
    const wheel = new DeadlineWheel();
    for (const ms of [100, 5_000, 50_000, 200_000]) wheel.add(timed(String(ms), ms));
    const stoodStillUntil = performance.now() + 130_000;
    jest.spyOn(performance, 'now').mockReturnValue(stoodStillUntil);
    jest.advanceTimersByTime(60);
    expect(ended.toSorted()).toEqual(['100', '5000', '50000']);
    expect(wheel.waiting).toBe(1);
  });
});
