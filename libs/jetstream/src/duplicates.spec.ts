import type { Fact } from '@spillway/contracts';
import { Duplicates, duplicatesDropped, type DuplicatesOptions } from './duplicates.ts';

const now = (): Date => new Date('2026-01-01T12:00:00Z');
const dropped = (original: string, ingest: number, differs = false) => ({ tenant: 'acme', original, by: 'id' as const, event: original, ingest, differs });
const alike = (original: string, event: string, ingest: number) => ({ tenant: 'acme', original, by: 'content' as const, event, ingest, differs: false });

const rounds = (record: DuplicatesOptions['record']): Duplicates => new Duplicates({ app: 'dedupe', record, now, roundMs: 250, roundMax: 1_000 });

describe('dropped duplicates', () => {
  it('share one fact that counts them by original and names the sequences it settles', () => {
    expect(duplicatesDropped('dedupe', 'acme', [dropped('evt_a', 2), dropped('evt_b', 3), dropped('evt_a', 4, true)], now())).toEqual({
      v: 1,
      type: 'event.duplicates_dropped',
      at: '2026-01-01T12:00:00.000Z',
      tenant: 'acme',
      app: 'dedupe',
      originals: [
        { event: 'evt_a', by: 'id', count: 2, ingest: [2, 4], differs: 1 },
        { event: 'evt_b', by: 'id', count: 1, ingest: [3] },
      ],
    });
  });

  it('by content keep their own ids beside the one that stands for them', () => {
    expect(duplicatesDropped('dedupe', 'acme', [alike('evt_a', 'evt_x', 2), dropped('evt_a', 3), alike('evt_a', 'evt_y', 4)], now())).toMatchObject({
      originals: [
        { event: 'evt_a', by: 'content', count: 2, ingest: [2, 4], dropped: ['evt_x', 'evt_y'] },
        { event: 'evt_a', by: 'id', count: 1, ingest: [3] },
      ],
    });
  });

  it('that never came to INGEST settle no sequence, and are said by who dropped them', () => {
    const { ingest: _ingest, ...atTheDoor } = dropped('evt_a', 2);
    expect(duplicatesDropped('ingest', 'acme', [atTheDoor, atTheDoor], now())).toMatchObject({ app: 'ingest', originals: [{ event: 'evt_a', by: 'id', count: 2, ingest: [] }] });
  });

  it('may be removed only when their fact is stored, a thousand to a fact', async () => {
    const facts: Fact[] = [];
    const stored = Promise.withResolvers<void>();
    const duplicates = rounds(async (_tenant, fact) => {
      facts.push(fact);
      await stored.promise;
    });
    let removable = 0;
    const all = Array.from({ length: 2_000 }, (_, n) => duplicates.drop(dropped('evt_a', n)).then(() => (removable += 1)));
    await new Promise((resolve) => setImmediate(resolve));
    expect([facts.length, removable]).toEqual([1, 0]);
    stored.resolve();
    await Promise.all(all);
    expect(removable).toBe(2_000);
    expect(facts.length).toBeLessThanOrEqual(3);
    expect(facts.reduce((sum, fact) => sum + (fact.type === 'event.duplicates_dropped' ? (fact.originals[0]?.count ?? 0) : 0), 0)).toBe(2_000);
  });

  it('stay where they are when their fact cannot be stored', async () => {
    const duplicates = rounds(() => Promise.reject(new Error('stopped')));
    await expect(duplicates.drop(dropped('evt_a', 1))).rejects.toThrow('stopped');
  });
});
