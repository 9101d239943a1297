import type { Config } from './desired.ts';
import type { Mutability, PropertyRow } from './properties.ts';

export type Difference = { readonly property: string; readonly from: unknown; readonly to: unknown; readonly mutability: Mutability };

type Loose = Readonly<Record<string, unknown>>;
type Rows = Readonly<Record<string, PropertyRow>>;

const same = (a: unknown, b: unknown): boolean => JSON.stringify(a) === JSON.stringify(b);
const sorted = (value: unknown): unknown => (Array.isArray(value) ? value.map(String).toSorted() : value);

/** Property by property; what the table does not name is not ours to compare. Of the metadata only the keys that are wanted, or ours. */
export const differences = (wanted: Config, found: Loose, rows: Rows, isBucket = false): Difference[] => {
  const changed = Object.entries(rows).flatMap(([property, { mutability, absent, bucketsToo }]) => {
    if (isBucket && !bucketsToo) return [];
    const [from, to] = [found[property] ?? absent, wanted[property] ?? absent];
    return same(sorted(from), sorted(to)) ? [] : [{ property, from, to, mutability }];
  });
  return [...changed, ...metadataDifferences(wanted.metadata ?? {}, (found['metadata'] ?? {}) as Record<string, string>)];
};

const metadataDifferences = (wanted: Readonly<Record<string, string>>, found: Readonly<Record<string, string>>): Difference[] => {
  const ours = new Set([...Object.keys(wanted), ...Object.keys(found).filter((key) => key.startsWith('spillway-'))]);
  return [...ours].flatMap((key) =>
    wanted[key] === found[key] ? [] : [{ property: `metadata.${key}`, from: found[key], to: wanted[key], mutability: 'mutable' as const }],
  );
};

/** May this difference be mended on what exists? `enable-only` may be turned on. */
export const isChangeable = ({ mutability, to }: Difference): boolean => mutability === 'mutable' || (mutability === 'enable-only' && to === true);

/** What the server is sent: all that it has, with our wishes in it; keys of others in the metadata stay. */
export const merged = (wanted: Config, found: Loose, rows: Rows, isBucket = false): Config => {
  const declared = Object.entries(rows).filter(([property, { bucketsToo }]) => property in wanted || (bucketsToo || !isBucket));
  const reset = Object.fromEntries(declared.map(([property, { absent }]) => [property, absent]));
  const theirs = Object.entries((found['metadata'] ?? {}) as Record<string, string>).filter(([key]) => !key.startsWith('spillway-'));
  return { ...found, ...reset, ...wanted, metadata: { ...Object.fromEntries(theirs), ...wanted.metadata } };
};
