import { AgingMap } from './aging-map.ts';

const value = (n: number) => ({ n });

describe('an aging map', () => {
  it('gives the eldest first', () => {
    const map = new AgingMap<{ n: number }>();
    for (const n of [1, 2, 3]) map.set(`k${n}`, value(n));
    expect([map.eldest()?.n, map.shift()?.n, map.shift()?.n, map.get('k1'), map.get('k3')?.n, map.size]).toEqual([1, 1, 2, undefined, 3, 1]);
    expect([map.shift()?.n, map.shift(), map.eldest(), map.size]).toEqual([3, undefined, undefined, 0]);
  });

  it('counts what is set again as new, and deletes only what is meant', () => {
    const map = new AgingMap<{ n: number }>();
    const [first, second] = [value(1), value(2)];
    map.set('a', first);
    map.set('b', value(3));
    map.set('a', second);
    map.delete('a', first);
    expect([map.get('a'), map.shift()?.n, map.shift()?.n, map.size]).toEqual([second, 3, 2, 0]);
    map.set('a', first);
    map.delete('a', first);
    expect([map.eldest(), map.size]).toEqual([undefined, 0]);
  });

  it('keeps its pace and its memory at its bound: a hundred times its size passes through', () => {
    const map = new AgingMap<{ n: number }>();
    for (let n = 0; n < 500_000; n += 1) {
      if (map.size >= 5_000) map.shift();
      map.set(`k${n}`, value(n));
    }
    expect([map.size, map.eldest()?.n, (map as unknown as { keys: string[] }).keys.length < 12_000]).toEqual([5_000, 495_000, true]);
  });
});
