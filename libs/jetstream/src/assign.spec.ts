import * as fc from 'fast-check';
import { assign, type Member, type ShardView } from './assign.ts';

const all = [0, 1, 2, 3, 4, 5, 6, 7];
const members = (...ids: string[]): Member[] => ids.map((id) => ({ id, takes: true }));
/** `'aab-'`: shards 0 and 1 are a's, 2 is b's, 3 is nobody's. */
const held = (by: string): ShardView[] => by.split('').map((holder, shard) => (holder === '-' ? { shard, holder: '', takeable: true } : { shard, holder, takeable: false }));

describe('fair share', () => {
  it('is everything for who is alone', () => {
    expect(assign('a', held('--------'), members('a'))).toEqual({ take: all, giveUp: [] });
  });

  it('gives nothing to who is not a member', () => {
    expect(assign('x', held('--------'), members('a'))).toEqual({ take: [], giveUp: [] });
  });

  it('hands a newcomer half, always the same end of the list', () => {
    expect(assign('a', held('aaaaaaaa'), members('a', 'b'))).toEqual({ take: [], giveUp: [4, 5, 6, 7] });
    expect(assign('a', held('aaaaaaa-'), members('a', 'b'))).toEqual({ take: [], giveUp: [4, 5, 6] });
    expect(assign('b', held('aaaaaaa-'), members('a', 'b'))).toEqual({ take: [7], giveUp: [] });
  });

  it('moves nothing when the shares differ by one already, whoever comes first by name', () => {
    for (const id of ['a', 'b', 'c']) expect(assign(id, held('aabbbccc'), members('a', 'b', 'c'))).toEqual({ take: [], giveUp: [] });
  });

  it('splits what is free, so that two takers do not reach for the same', () => {
    expect(assign('a', held('aabb----'), members('a', 'b')).take).toEqual([4, 5]);
    expect(assign('b', held('aabb----'), members('a', 'b')).take).toEqual([6, 7]);
  });

  it('leaves an expired lease to whoever lacks one', () => {
    const shards = held('aaaabbbb').map((view) => (view.shard >= 4 ? { ...view, takeable: true } : view));
    expect(assign('a', shards, members('a')).take).toEqual([4, 5, 6, 7]);
  });

  it('counts out who wants no more: it keeps what it has, the others share the rest', () => {
    const some: Member[] = [{ id: 'a', takes: false }, ...members('b', 'c')];
    expect(assign('a', held('aabbb---'), some)).toEqual({ take: [], giveUp: [] });
    expect([assign('b', held('aabbb---'), some), assign('c', held('aabbb---'), some)]).toEqual([
      { take: [], giveUp: [] },
      { take: [5, 6, 7], giveUp: [] },
    ]);
  });

  it('takes no shard from a holder that it has not heard of', () => {
    expect(assign('a', held('zzzz----'), members('a'))).toEqual({ take: [4, 5, 6, 7], giveUp: [] });
  });

  it('has none for some when there are more replicas than shards', () => {
    const nine = members('a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i');
    expect(assign('i', held('abcdefgh'), nine)).toEqual({ take: [], giveUp: [] });
  });
});

type World = { shards: ShardView[]; members: Member[] };
const step = ({ shards, members: present }: World, id: string): World => {
  const { take, giveUp } = assign(id, shards, present);
  const moved = shards.map((view) => {
    if (take.includes(view.shard)) return { shard: view.shard, holder: id, takeable: false };
    return giveUp.includes(view.shard) ? { shard: view.shard, holder: '', takeable: true } : view;
  });
  return { shards: moved, members: present };
};

it('settles from any state, in any order of turns, within one share’s worth of moves, and then never moves again', () => {
  const ids = ['a', 'b', 'c', 'd', 'e'];
  fc.assert(
    fc.property(fc.array(fc.constantFrom('a', 'b', 'c', 'd', 'e', '-'), { minLength: 8, maxLength: 8 }), fc.integer({ min: 1, max: 5 }), fc.infiniteStream(fc.nat()), (holders, count, turns) => {
      const present = ids.slice(0, count);
      // who is not there any more lost its shards
      let world: World = { shards: held(holders.map((holder) => (present.includes(holder) ? holder : '-')).join('')), members: members(...present) };
      for (let turn = 0; turn < 200; turn += 1) world = step(world, present[(turns.next().value as number) % count] as string);
      for (const id of present) world = step(step(world, id), id);
      const sizes = present.map((id) => world.shards.filter(({ holder }) => holder === id).length);
      expect(sizes.reduce((a, b) => a + b)).toBe(8);
      expect(Math.max(...sizes) - Math.min(...sizes)).toBeLessThanOrEqual(1);
      for (const id of present) expect(assign(id, world.shards, world.members)).toEqual({ take: [], giveUp: [] });
    }),
  );
});
