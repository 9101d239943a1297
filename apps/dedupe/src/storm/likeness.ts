import { crc32 } from 'node:zlib';
import type { PathSegment } from '@spillway/contracts';
import { readJson, type JsonTree } from '../content/json-tree.ts';
import { isTimeNear } from './is-time-near.ts';

type Leaf = { path: PathSegment[]; value: string };

export type Likeness = {
  /** The same for events that are the same but for times of about now. 32 bits: for estimates, nothing is dropped by it. */
  key: number;
  times: { path: PathSegment[]; hash: number }[];
};

/** Larger ones are not looked at: a look has its price, and a storm has small events, too. */
const LEAVES_MAX = 200;
const TIMES_MAX = 16;

/** Elements of arrays go by `*`: which of them it was is no part of a rule. */
const walk = (tree: JsonTree, path: PathSegment[], into: Leaf[]): void => {
  if (into.length > LEAVES_MAX) return;
  if (typeof tree === 'string') into.push({ path, value: tree });
  else if (Array.isArray(tree)) tree.forEach((item) => walk(item, [...path, null], into));
  else tree.members.forEach(([key, value]) => walk(value, [...path, key], into));
};

const leavesOf = (data: Buffer): Leaf[] | undefined => {
  const leaves: Leaf[] = [];
  try {
    walk(readJson(data.toString()), [], leaves);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
  return leaves.length <= LEAVES_MAX ? leaves : undefined;
};

const hashOf = ({ path, value }: Leaf, before: number): number => crc32(`${path.map((segment) => segment ?? '*').join('\0')}\0\0${value}`, before);

/** `undefined` for what is no JSON or too large. Only times are left out: less an id, too, most honest events are alike. @param atMs about when it was made */
export const likenessOf = (data: Buffer, atMs: number): Likeness | undefined => {
  const leaves = leavesOf(data);
  if (leaves === undefined) return undefined;
  const times: Likeness['times'] = [];
  let key = 0;
  for (const leaf of leaves) {
    if (leaf.path.length > 0 && times.length < TIMES_MAX && isTimeNear(leaf.value, atMs)) times.push({ path: leaf.path, hash: hashOf(leaf, 0) });
    else key = hashOf(leaf, key);
  }
  return { key, times };
};
