/** A shard as one replica sees it. */
export type ShardView = {
  shard: number;
  /** Empty: nobody's. */
  holder: string;
  /** Free, given back, or its revision stood still for so long that whoever asks first gets it. */
  takeable: boolean;
};

export type Member = {
  id: string;
  /** False for one that wants no more: it is leaving, or its work failed lately. It keeps what it holds. */
  takes: boolean;
};

export type Moves = { take: number[]; giveUp: number[] };

/**
 * Pure: what `me` should take and give up now, so that the shards are spread evenly. Everybody computes the same from the same view, and who already
 * holds more gets the larger share, so that nothing moves that does not have to; where views differ for a moment the broker's
 * compare-and-set decides.
 */
export const assign = (me: string, shards: readonly ShardView[], members: readonly Member[]): Moves => {
  const free = shards.filter((view) => view.takeable).map(({ shard }) => shard).toSorted(ascending);
  const shares = sharesOf(shards, members);
  const mine = shares.find(({ id }) => id === me);
  if (!mine) return { take: [], giveUp: [] };
  const held = heldBy(me, shards);
  // always the same end of the list, so that what is being drained stays what is being drained
  const giveUp = held.slice(Math.max(mine.share, 0));
  // who stands before us in the same list takes from its beginning
  const before = shares.slice(0, shares.indexOf(mine)).reduce((sum, { share, holds }) => sum + Math.max(0, share - holds), 0);
  const wanted = Math.max(0, mine.share - held.length);
  return { take: free.slice(before, before + wanted), giveUp };
};

const ascending = (a: number, b: number): number => a - b;

const heldBy = (id: string, shards: readonly ShardView[]): number[] => shards.filter((view) => view.holder === id && !view.takeable).map(({ shard }) => shard).toSorted(ascending);

type Share = { id: string; holds: number; share: number };

/** Floor or ceiling of an even split of all that is not held by somebody who takes no part. */
const sharesOf = (shards: readonly ShardView[], members: readonly Member[]): Share[] => {
  const takers = members.filter(({ takes }) => takes).map(({ id }) => ({ id, holds: heldBy(id, shards).length }));
  takers.sort((a, b) => b.holds - a.holds || (a.id < b.id ? -1 : 1));
  const ids = new Set(takers.map(({ id }) => id));
  const kept = shards.filter((view) => !view.takeable && !ids.has(view.holder)).length;
  const even = Math.floor((shards.length - kept) / takers.length);
  const over = (shards.length - kept) % takers.length;
  return takers.map((taker, i) => ({ ...taker, share: even + (i < over ? 1 : 0) }));
};
