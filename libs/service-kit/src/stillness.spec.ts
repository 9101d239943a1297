import { isBlocked, noticed, type Look, type Stillness } from './stillness.ts';

const AFTER_MS = 3_000;
const fresh: Stillness = { beat: 0, stillMs: 0, cpuMs: 0 };
const after = (looks: readonly Look[]): Stillness => looks.reduce(noticed, fresh);
const looks = (count: number, look: Partial<Look>): Look[] => Array.from({ length: count }, () => ({ beat: 0, tookMs: 250, cpuMs: 250, ...look }));

it('a loop that turns is not blocked, however much it computes', () => {
  expect(isBlocked(after(Array.from({ length: 100 }, (_, n) => ({ beat: n, tookMs: 250, cpuMs: 250 }))), AFTER_MS)).toBe(false);
});

it('a loop that computes without a turn for three seconds is', () => {
  expect([11, 12].map((count) => isBlocked(after(looks(count, {})), AFTER_MS))).toEqual([false, true]);
});

it('a loop that stands still without computing is given five times as long: the machine may be busy', () => {
  expect([59, 60].map((count) => isBlocked(after(looks(count, { cpuMs: 20 })), AFTER_MS))).toEqual([false, true]);
});

it('a process that was frozen for an hour and let go is not blocked: both threads slept', () => {
  expect(isBlocked(after([...looks(3, {}), { beat: 0, tookMs: 3_600_000, cpuMs: 0 }, { beat: 1, tookMs: 250, cpuMs: 250 }]), AFTER_MS)).toBe(false);
  expect(isBlocked(after([{ beat: 0, tookMs: 3_600_000, cpuMs: 0 }]), AFTER_MS)).toBe(false);
});

it('a turn begins the count anew', () => {
  expect(isBlocked(after([...looks(11, {}), { beat: 1, tookMs: 250, cpuMs: 250 }, ...looks(11, { beat: 1 })]), AFTER_MS)).toBe(false);
});
