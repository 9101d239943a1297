import { Slices } from './slices.ts';

/** A clock that only work moves: each item takes 4 ms, so three of them are more than a slice. */
let nowMs: number;
let slices: Slices;
let told: string[];
beforeEach(() => {
  nowMs = 0;
  told = [];
  slices = new Slices(() => nowMs);
});

const work = (of: string, items: number): Promise<string[]> =>
  slices.each(Array.from({ length: items }), (_, at) => {
    nowMs += 4;
    told.push(`${of}${at}`);
    return `${of}${at}`;
  });
/** What else the loop does, once in each of so many turns. */
const tellTurns = (turns: number, into = told): void =>
  void setImmediate(() => {
    into.push('turn');
    if (turns > 1) tellTurns(turns - 1, into);
  });

it('makes of each item what it is told to, in order, and lets the loop turn after each slice', async () => {
  tellTurns(3);
  expect(await work('a', 8)).toEqual(['a0', 'a1', 'a2', 'a3', 'a4', 'a5', 'a6', 'a7']);
  expect(told).toEqual(['a0', 'a1', 'a2', 'turn', 'a3', 'a4', 'a5', 'turn', 'a6', 'a7']);
});

it('what fits into a slice does not wait', async () => {
  tellTurns(1);
  await work('a', 2);
  expect(told).toEqual(['a0', 'a1']);
});

it('is one slice a turn for all together, each in its turn: the small one is done long before the large ones', async () => {
  tellTurns(9);
  await Promise.all([work('a', 9), work('b', 9), work('c', 2)]);
  expect(told.join(' ').split(' turn ')).toEqual(['a0 a1 a2', 'a3 a4 a5', 'b0 b1 b2', 'c0 c1', 'a6 a7 a8', 'b3 b4 b5', 'b6 b7 b8']);
});

it('ends at what work throws, and others go on', async () => {
  const broken = slices.each([1, 2, 3, 4], (item) => {
    nowMs += 4;
    if (item === 4) throw new RangeError('broken');
  });
  const whole = work('a', 5);
  await expect(broken).rejects.toThrow('broken');
  expect(await whole).toHaveLength(5);
});

it('looks at items as they come', async () => {
  const items = function* (): Generator<number> {
    for (let n = 0; n < 4; n += 1) {
      told.push(`found ${n}`);
      yield n;
    }
    throw new RangeError('no more');
  };
  await expect(slices.each(items(), (n) => void told.push(`made ${n}`))).rejects.toThrow('no more');
  expect(told).toEqual(['found 0', 'made 0', 'found 1', 'made 1', 'found 2', 'made 2', 'found 3', 'made 3']);
});
