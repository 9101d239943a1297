import type { PathSegment } from '@spillway/contracts';
import type { JsonTree } from './json-tree.ts';

/** The ignored paths as a tree, so that a value is walked once whatever their number. */
export type Ignored = { whole: boolean; named: Map<string, Ignored>; any?: Ignored };

export const ignoring = (paths: readonly (readonly PathSegment[])[]): Ignored => {
  const root: Ignored = { whole: false, named: new Map() };
  for (const path of paths) {
    let node = root;
    for (const segment of path) node = segment === null ? (node.any ??= empty()) : childOf(node, segment);
    node.whole = true;
  }
  return root;
};

const empty = (): Ignored => ({ whole: false, named: new Map() });

const childOf = ({ named }: Ignored, segment: string): Ignored => {
  const known = named.get(segment);
  if (known) return known;
  const child = empty();
  named.set(segment, child);
  return child;
};

/** What applies one level deeper. */
const below = (nodes: readonly Ignored[], segment: string): Ignored[] => nodes.flatMap(({ named, any }) => [named.get(segment), any].filter((node) => node !== undefined));

/** The tree as canonical text, less what is ignored: an ignored member is as if it were not there, an ignored element as if its neighbours met. */
export const printWithout = (tree: JsonTree, ignored: readonly Ignored[] = []): string => {
  if (typeof tree === 'string') return tree;
  const isArray = Array.isArray(tree);
  const children = isArray ? tree.map((value, i): [string, JsonTree] => [String(i), value]) : tree.members;
  const parts: string[] = [];
  for (const [segment, value] of children) {
    const deeper = ignored.length === 0 ? ignored : below(ignored, segment);
    if (deeper.some(({ whole }) => whole)) continue;
    const text = printWithout(value, deeper);
    parts.push(isArray ? text : `${JSON.stringify(segment)}:${text}`);
  }
  return isArray ? `[${parts.join()}]` : `{${parts.join()}}`;
};
