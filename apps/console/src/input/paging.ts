import { invalid } from '../problems.ts';

export type Page<T> = { items: T[]; next: string | null; behindMs: number };
export type PageQuery = { limit: number; after: string | undefined };

const DEFAULT_LIMIT = 100;
const MAX_LIMIT = 1_000;

/** `?limit=&cursor=`. A cursor is opaque to callers; it holds the place of the last item, so it survives that item's deletion. */
export const pageQuery = (query: Readonly<Record<string, unknown>>): PageQuery => {
  const { limit = String(DEFAULT_LIMIT), cursor } = query;
  const unknown = Object.keys(query).filter((name) => name !== 'limit' && name !== 'cursor');
  if (unknown.length > 0) throw invalid(unknown.map((field) => ({ field, wanted: 'no such parameter' })));
  const wanted = typeof limit === 'string' && /^\d{1,4}$/.test(limit) ? Number(limit) : 0;
  if (wanted < 1 || wanted > MAX_LIMIT) throw invalid([{ field: 'limit', wanted: `a whole number from 1 to ${MAX_LIMIT}` }]);
  if (cursor === undefined || cursor === '') return { limit: wanted, after: undefined };
  const after = typeof cursor === 'string' ? Buffer.from(cursor, 'base64url').toString('utf8') : '';
  if (after === '' || cursorOf(after) !== cursor) throw invalid([{ field: 'cursor', wanted: 'the `next` of an earlier answer' }]);
  return { limit: wanted, after };
};

export const cursorOf = (place: string): string => Buffer.from(place).toString('base64url');

/** `behindMs` is 0: lists come from the registry itself, not from a projection. */
export const pageOf = <T, V>(all: Iterable<T>, placeOf: (item: T) => string, view: (item: T) => V, { limit, after }: PageQuery): Page<V> => {
  const sorted = [...all].map((item) => ({ item, place: placeOf(item) })).toSorted((a, b) => (a.place < b.place ? -1 : 1));
  const from = after === undefined ? 0 : sorted.findIndex(({ place }) => place > after);
  const rest = from < 0 ? [] : sorted.slice(from);
  const last = rest.length > limit ? rest[limit - 1] : undefined;
  return { items: rest.slice(0, limit).map(({ item }) => view(item)), next: last ? cursorOf(last.place) : null, behindMs: 0 };
};

/** Oldest first; the id tells apart what was made in the same millisecond. */
export const byCreation = ({ createdAt, id }: { createdAt: string; id: string }): string => `${createdAt} ${id}`;
