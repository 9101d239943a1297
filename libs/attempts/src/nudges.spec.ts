import { jest } from '@jest/globals';
import { Nudges } from './nudges.ts';

beforeEach(() => jest.useFakeTimers());
afterEach(() => jest.useRealTimers());

const start = (): { nudges: Nudges; said: string[] } => {
  const said: string[] = [];
  return { nudges: new Nudges((parkedOn) => said.push(parkedOn)), said };
};

describe('Nudges', () => {
  it('tells of the first at once, and of all that follow within 200 ms once, in the end', () => {
    const { nudges, said } = start();
    for (let n = 0; n < 100; n += 1) nudges.came('a');
    expect(said).toEqual(['a']);
    jest.advanceTimersByTime(199);
    expect(said).toEqual(['a']);
    jest.advanceTimersByTime(1);
    expect(said).toEqual(['a', 'a']);
    jest.advanceTimersByTime(10_000);
    expect(said).toEqual(['a', 'a']);
  });

  it('tells of each subject by itself, and five times a second while they come', () => {
    const { nudges, said } = start();
    for (let ms = 0; ms < 1_000; ms += 10) {
      nudges.came('a');
      if (ms === 500) nudges.came('b');
      jest.advanceTimersByTime(10);
    }
    expect([said.filter((on) => on === 'a').length, said.filter((on) => on === 'b').length]).toEqual([6, 1]);
  });

  it('tells at once of one that comes later', () => {
    const { nudges, said } = start();
    nudges.came('a');
    jest.advanceTimersByTime(200);
    nudges.came('a');
    expect(said).toEqual(['a', 'a']);
  });

  it('remembers a bounded number of subjects, and forgets none that waits for its end', () => {
    const { nudges, said } = start();
    nudges.came('a');
    nudges.came('a');
    for (let n = 0; n < 10_000; n += 1) nudges.came(`b${n}`);
    nudges.came('b0');
    expect(said.filter((on) => on === 'b0')).toHaveLength(2);
    jest.advanceTimersByTime(200);
    expect(said.filter((on) => on === 'a')).toHaveLength(2);
  });

  it('tells when it is closed what it would have told later, and nothing after that', () => {
    const { nudges, said } = start();
    nudges.came('a');
    nudges.came('a');
    nudges.came('b');
    nudges.close();
    expect(said).toEqual(['a', 'b', 'a']);
    jest.advanceTimersByTime(1_000);
    expect(said).toHaveLength(3);
  });
});
