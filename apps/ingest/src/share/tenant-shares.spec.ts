import { TenantShares, type SharesOptions } from './tenant-shares.ts';

const listing = (messages: Record<string, number>, over: object = {}) => ({
  waiting: Object.entries(messages).map(([tenant, count]) => ({ tenant, lane: 'fresh' as const, messages: count })),
  meanBytes: 100,
  maxBytes: 10_000,
  maxMessagesPerSubject: 100,
  ...over,
});

/** Shares of a stream of 10,000 bytes, half of it a tenant's, and 100 messages a lane. */
const counted = (messages: Record<string, number> = {}, options: Partial<SharesOptions> = {}, over: object = {}): { shares: TenantShares; apart: string[] } => {
  const apart: string[] = [];
  const shares = new TenantShares({ defaultShare: 0.5, shareOf: () => undefined, inFlightMax: 1_000, inFlightBytesMax: 1e9, keepApart: (subject) => apart.push(subject), ...options });
  shares.count(listing(messages, over));
  return { shares, apart };
};

const quotaOf = (take: () => unknown): unknown => {
  try {
    take();
    return undefined;
  } catch (error) {
    return (error as { extra: { quota: string } }).extra.quota;
  }
};

describe('TenantShares', () => {
  it('refuses by messages a lane, and by bytes over all lanes', () => {
    const refused: string[] = [];
    const { shares } = counted({}, { onRefused: (tenant) => refused.push(tenant) }, { maxMessagesPerSubject: 3, maxBytes: 2_000 });
    for (let i = 0; i < 3; i += 1) shares.take('acme', 'fresh', 100);
    expect(quotaOf(() => shares.take('acme', 'fresh', 100))).toBe('messages_waiting');
    for (let i = 0; i < 3; i += 1) shares.take('acme', 'bulk', 200);
    expect(quotaOf(() => shares.take('acme', 'ordered', 101))).toBe('bytes_waiting');
    shares.take('acme', 'ordered', 100);
    shares.take('other', 'fresh', 1_000);
    expect(refused).toEqual(['acme', 'acme']);
  });

  it('refuses what would fill this process’s memory with one tenant', () => {
    const refused: string[] = [];
    const { shares } = counted({}, { inFlightMax: 2, inFlightBytesMax: 100, onRefused: (tenant) => refused.push(tenant) });
    const first = shares.take('acme', 'fresh', 40);
    expect(quotaOf(() => shares.take('acme', 'fresh', 61))).toBe('bytes_in_flight');
    shares.take('acme', 'fresh', 40);
    expect(quotaOf(() => shares.take('acme', 'fresh', 1))).toBe('events_in_flight');
    first.stored(40);
    shares.take('acme', 'fresh', 40);
    expect(refused).toEqual([]); // that says nothing of what others wait for
  });

  it('a tenant’s own share wins', () => {
    const { shares } = counted({}, { shareOf: (tenant) => (tenant === 'small' ? 0.01 : undefined) });
    expect(quotaOf(() => shares.take('small', 'fresh', 101))).toBe('bytes_waiting');
    expect(quotaOf(() => shares.assertRoom('small', 1))).toBeUndefined(); // nothing is known of it yet
    shares.take('small', 'fresh', 100);
    expect(quotaOf(() => shares.assertRoom('small', 1))).toBe('bytes_waiting');
  });

  it('says so in time when no batch may cross a cap', () => {
    const { shares, apart } = counted({ acme: 88 }, { defaultShare: 1 });
    shares.take('acme', 'fresh', 1);
    expect(apart).toEqual([]);
    shares.take('acme', 'fresh', 1);
    expect(apart).toEqual(['webhook.ingest.fresh.acme']);
  });

  it('is more careful where others send, too', () => {
    const { shares, apart } = counted({ acme: 10 }, {}, { maxMessagesPerSubject: 20_000 });
    shares.asking();
    shares.count(listing({ acme: 40, other: 15_000 }, { maxMessagesPerSubject: 20_000, maxBytes: 1e9 }));
    shares.take('acme', 'fresh', 1);
    expect(apart).toEqual([]);
    shares.take('other', 'fresh', 1); // in the next half second 2 × 15,000 more may come
    expect(apart).toEqual(['webhook.ingest.fresh.other']);
  });

  it('forgets tenants of whom nothing waits', () => {
    const { shares } = counted({ acme: 95 }, { defaultShare: 1 });
    expect(shares.atTheirShare).toBe(1);
    shares.asking();
    shares.count(listing({}));
    expect(shares.atTheirShare).toBe(0);
  });

  it('says how much the tenant uses that uses most of its share, of events or of bytes', () => {
    const { shares } = counted({ acme: 30 }, {}, { maxBytes: 100_000 });
    expect(shares.largestUse).toBe(0.3);
    shares.take('other', 'bulk', 40_000).stored(40_000);
    expect(shares.largestUse).toBe(0.8);
  });
});
