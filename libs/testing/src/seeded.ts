export type Seeded = {
  readonly seed: number;
  /** 0 ≤ x < 1. */
  readonly next: () => number;
  readonly between: (low: number, high: number) => number;
  readonly shuffle: <T>(items: readonly T[]) => T[];
};

/** `SPILLWAY_SEED` repeats a run; otherwise each run is another one, and prints its seed. */
const chosen = (): number => {
  const given = Number(process.env['SPILLWAY_SEED']);
  return Number.isInteger(given) && given > 0 ? given : (Date.now() % 2 ** 31) + 1;
};

/** mulberry32: 32 bits of state are plenty for moments to kill at, and the same on every machine. */
export const seeded = (seed = chosen()): Seeded => {
  let state = seed;
  const next = (): number => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  const between = (low: number, high: number): number => low + next() * (high - low);
  const shuffle = <T>(items: readonly T[]): T[] =>
    items
      .map((item) => ({ item, at: next() }))
      .toSorted((a, b) => a.at - b.at)
      .map(({ item }) => item);
  return { seed, next, between, shuffle };
};
