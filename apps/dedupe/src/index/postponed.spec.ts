import type { ToClaim } from './dedupe-index.ts';
import { PostponedClaims } from './postponed.ts';

const claim = (key: string, sequence = 1): ToClaim => ({ key, windowMs: 1, mark: { world: 'w', sequence, place: 0, acceptedAtMs: 1, event: 'evt', checksum: 'x', again: false } });
const taken = (postponed: PostponedClaims, count = 10) => postponed.take(count).map(({ claim: { key, mark }, giveUp }) => `${giveUp ? 'give up ' : ''}${key}${mark.sequence}`);

describe('postponed claims', () => {
  it('are told in order, what is given up before all else', () => {
    const postponed = new PostponedClaims();
    for (const key of ['a', 'b', 'c']) postponed.add(claim(key), 0);
    postponed.addGivenUp(claim('x'), 0);
    expect([taken(postponed, 2), taken(postponed), postponed.size]).toEqual([['give up x1', 'a1'], ['b1', 'c1'], 0]);
  });

  it('keep the first that claimed a key, and not the claim of one that gave up', () => {
    const postponed = new PostponedClaims();
    postponed.add(claim('a', 1), 0);
    postponed.add(claim('a', 2), 0);
    postponed.addGivenUp(claim('a', 2), 0);
    expect(taken(postponed)).toEqual(['give up a2', 'a1']);
    postponed.add(claim('b', 1), 0);
    postponed.addGivenUp(claim('b', 1), 0);
    expect(taken(postponed)).toEqual(['give up b1']);
  });

  it('are bounded, and count what was forgotten', () => {
    const postponed = new PostponedClaims(2, 1);
    for (const key of ['a', 'b', 'c', 'd']) postponed.add(claim(key), 0);
    for (const key of ['x', 'y']) postponed.addGivenUp(claim(key), 0);
    expect([postponed.size, postponed.dropped, taken(postponed)]).toEqual([3, 3, ['give up y1', 'c1', 'd1']]);
  });
});
