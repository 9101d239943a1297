import { byCreation, pageOf, pageQuery } from './paging.ts';

type Item = { createdAt: string; id: string };
const items: Item[] = Array.from({ length: 7 }, (_, n) => ({ createdAt: `2026-01-0${n < 4 ? 1 : 2}`, id: `ep_${n}` }));
const page = (all: Item[], query: Record<string, string>) => pageOf(all, byCreation, ({ id }) => id, pageQuery(query));

describe('a list', () => {
  it('is walked page by page, each item once, oldest first', () => {
    const seen: string[] = [];
    for (let cursor: string | null = ''; cursor !== null; ) {
      const { items: part, next, behindMs } = page(items.toReversed(), { limit: '3', cursor });
      expect(behindMs).toBe(0);
      seen.push(...part);
      cursor = next;
    }
    expect(seen).toEqual(items.map(({ id }) => id));
  });

  it('goes on after an item that was deleted meanwhile, and ends after the last', () => {
    const { next } = page(items, { limit: '3' });
    expect(page(items.filter(({ id }) => id !== 'ep_2'), { limit: '3', cursor: next as string }).items).toEqual(['ep_3', 'ep_4', 'ep_5']);
    expect(page(items, { limit: '7' }).next).toBeNull();
    expect(page([], {})).toEqual({ items: [], next: null, behindMs: 0 });
    expect(page(items.slice(0, 2), { cursor: next as string }).items).toEqual([]);
  });

  it.each([{ limit: '0' }, { limit: '1001' }, { limit: 'all' }, { limit: '' }, { cursor: '%%%' }, { offset: '3' }])('refuses %j and names the parameter', (query) => {
    expect(() => pageQuery(query)).toThrow(Object.keys(query)[0]);
  });
});
