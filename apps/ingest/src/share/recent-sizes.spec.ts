import { RecentSizes } from './recent-sizes.ts';

const sent = (...bytes: number[]): RecentSizes => {
  const sizes = new RecentSizes();
  for (const one of bytes) sizes.add(one);
  return sizes;
};

describe('RecentSizes', () => {
  it('knows what the newest so many weigh', () => {
    expect(sent(1_000, 10, 20, 30).ofNewest(3)).toEqual({ events: 3, bytes: 60 });
    expect(sent(1_000, 10, 20, 30).ofNewest(4)).toEqual({ events: 4, bytes: 1_060 });
  });

  it('takes those of others to be like its own newest', () => {
    expect(sent(100, 300).ofNewest(10)).toEqual({ events: 10, bytes: 2_000 });
  });

  it('knows nothing before it sent anything, and that nothing weighs nothing', () => {
    expect(new RecentSizes().ofNewest(5)).toBeUndefined();
    expect(new RecentSizes().ofNewest(0)).toEqual({ events: 0, bytes: 0 });
    expect(sent(10).ofNewest(0)).toEqual({ events: 0, bytes: 0 });
  });

  it('forgets what has left', () => {
    const sizes = sent(1_000, 10);
    sizes.ofNewest(1);
    expect(sizes.ofNewest(2)).toEqual({ events: 2, bytes: 20 });
  });

  it('counts the events of pages, of which the broker counts the messages', () => {
    const sizes = sent(5);
    for (let page = 0; page < 3; page += 1) for (let place = 0; place < 100; place += 1) sizes.add(10, place === 0);
    expect(sizes.ofNewest(3)).toEqual({ events: 300, bytes: 3_000 });
    expect(sizes.ofNewest(1)).toEqual({ events: 100, bytes: 1_000 });
  });

  it('takes what others sent for single events, however many stand on its own pages', () => {
    const sizes = new RecentSizes();
    for (let place = 0; place < 100; place += 1) sizes.add(10, place === 0);
    expect(sizes.ofNewest(2_501)).toEqual({ events: 2_600, bytes: 26_000 });
  });

  it('follows a tenant that begins to send large ones, in bounded memory', () => {
    const sizes = new RecentSizes();
    for (let i = 0; i < 100_000; i += 1) sizes.add(1_000);
    for (let i = 0; i < 10_000; i += 1) sizes.add(100_000);
    const seen = sizes.ofNewest(10_000)?.bytes ?? 0;
    // the chunk at the edge may hold some of each
    expect(seen).toBeGreaterThan(0.8 * 10_000 * 100_000);
    expect(seen).toBeLessThanOrEqual(10_000 * 100_000);
  });
});
