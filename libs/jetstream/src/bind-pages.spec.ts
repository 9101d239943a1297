import { bindPages, PAGE_BYTES } from './bind-pages.ts';
import { linesSaid, PAGE_MAX, readPage } from './page.ts';
import { encodeHeaders, RawHeaders } from './raw-headers.ts';
import type { Outgoing, PubAck, Unit } from './unit.ts';

const FRESH = 'webhook.ingest.fresh.acme';
const OTHER = 'webhook.ingest.fresh.other';
const ORDERED = 'webhook.ingest.ordered.acme';
const isPaged = (subject: string): boolean => !subject.startsWith('webhook.ingest.ordered.');

type Told = { acks?: PubAck[]; error?: Error };
type Asked = Unit & { told: Told };
const message = (subject: string, text: string, headers: [string, string][] = [['ce-id', text]]): Outgoing => ({ subject, headers, data: Buffer.from(text) });
const unitOf = (...messages: Outgoing[]): Asked => {
  const told: Told = {};
  return { messages, bytes: messages.reduce((sum, { data }) => sum + data.length, 0), since: 7, told, resolve: (acks) => void (told.acks = acks), reject: (error) => void (told.error = error) };
};
const units = (subject: string, ...texts: string[]): Asked[] => texts.map((text) => unitOf(message(subject, text)));
const bind = (group: readonly Unit[], bytesMax = PAGE_BYTES): Unit[] => bindPages(group, isPaged, bytesMax);

/** What each of them brings to the stream, read as its readers do. */
const read = (bound: readonly Unit[]): (string | string[])[] =>
  bound.map(({ messages: [first, ...more] }) => {
    const { headers, data } = first as Outgoing;
    const count = linesSaid(new RawHeaders(encodeHeaders(headers)));
    if (count === undefined) return [first as Outgoing, ...more].map((one) => Buffer.from(one.data).toString()).join('+');
    return (readPage(count, data) ?? []).map((line) => `${line.headers.get('ce-id') ?? ''}=${Buffer.from(line.data).toString()}`);
  });

describe('binding', () => {
  it('makes a page of what has a subject in common, in its order, and leaves alone what is alone', () => {
    const [a, b, c] = units(FRESH, 'a', 'b', 'c') as [Asked, Asked, Asked];
    const [alone] = units('webhook.ingest.bulk.acme', 'alone') as [Asked];
    const [x, y] = units(OTHER, 'x', 'y') as [Asked, Asked];
    const bound = bind([a, x, b, alone, y, c]);
    expect(read(bound)).toEqual([['a=a', 'b=b', 'c=c'], ['x=x', 'y=y'], 'alone']);
    expect(bound.map(({ messages }) => messages.map(({ subject }) => subject))).toEqual([[FRESH], [OTHER], ['webhook.ingest.bulk.acme']]);
    expect(bound[2]).toBe(alone);
    expect(bound[0]).toMatchObject({ since: 7 });
  });

  it('touches neither subjects that have no pages nor units of several messages', () => {
    const ordered = units(ORDERED, 'o1', 'o2');
    const several = unitOf(message(FRESH, 's1'), message(FRESH, 's2'));
    const bound = bind([...ordered, several, ...units(FRESH, 'a', 'b')]);
    expect(read(bound)).toEqual(['o1', 'o2', 's1+s2', ['a=a', 'b=b']]);
    expect(bound.slice(0, 3)).toEqual([...ordered, several]);
    for (const [n, unit] of [...ordered, several].entries()) expect(bound[n]).toBe(unit);
  });

  it('ends a page where another message would make it larger than it may be, and no page is', () => {
    const texts = Array.from({ length: 60 }, (_, n) => `${n}`.padEnd(100, '.'));
    const bytesMax = 2_000;
    const bound = bind(units(FRESH, ...texts), bytesMax);
    expect(read(bound).flat().map((line) => line.split('=')[1])).toEqual(texts);
    const sizes = bound.map(({ messages: [page] }) => (page as Outgoing).data.length);
    expect([Math.max(...sizes) <= bytesMax, Math.min(...sizes.slice(0, -1)) > bytesMax / 2]).toEqual([true, true]);
  });

  it('leaves a message as it is that would be a page by itself, however large', () => {
    const [small, large, last] = [units(FRESH, 'a')[0], units(FRESH, 'x'.repeat(5_000))[0], units(FRESH, 'b')[0]] as [Asked, Asked, Asked];
    expect(bind([small, large, last], 1_000)).toEqual([small, large, last]);
  });

  it('ends a page at a thousand: places have three digits', () => {
    const bound = bind(units(FRESH, ...Array.from({ length: 2 * PAGE_MAX + 1 }, (_, n) => `${n}`)), 2 ** 24);
    expect(read(bound).map((page) => (typeof page === 'string' ? 'alone' : page.length))).toEqual([1_000, 1_000, 'alone']);
  });

  it('rejects only what holds a line break, which would be the end of a header to whoever reads the page', () => {
    const wrong = unitOf(message(FRESH, 'wrong', [['ce-subject', 'one\r\ntwo']]));
    const [a, b] = units(FRESH, 'a', 'b') as [Asked, Asked];
    expect(read(bind([a, wrong, b]))).toEqual([['a=a', 'b=b']]);
    expect([a.told, b.told, wrong.told.error?.message]).toEqual([{}, {}, 'header ce-subject holds a line break']);
    expect(bind([unitOf(message(FRESH, 'wrong', [['ce-subject', 'one\ntwo']]))])).toEqual([]);
  });
});

describe('what became of a page', () => {
  it('is told to each of its messages, with its place', () => {
    const all = units(FRESH, 'a', 'b', 'c');
    const [page] = bind(all) as [Unit];
    page.resolve([{ seq: 42, duplicate: false }]);
    expect(all.map(({ told }) => told.acks)).toEqual([0, 1, 2].map((place) => [{ seq: 42, duplicate: false, place }]));
  });

  it('is told to each of them when it was refused', () => {
    const all = units(FRESH, 'a', 'b', 'c');
    const [page] = bind(all) as [Unit];
    const refusal = new Error('full');
    page.reject(refusal);
    expect(all.map(({ told }) => told)).toEqual(all.map(() => ({ error: refusal })));
  });

  it('is told to what follows a page that was cut with places from the beginning', () => {
    const all = units(FRESH, ...Array.from({ length: PAGE_MAX + 2 }, (_, n) => `${n}`));
    const bound = bind(all, 2 ** 24);
    bound.forEach((page, n) => page.resolve([{ seq: n + 1, duplicate: false }]));
    const [last, first] = [all[PAGE_MAX - 1], all[PAGE_MAX]];
    expect([last?.told.acks, first?.told.acks]).toEqual([[{ seq: 1, duplicate: false, place: 999 }], [{ seq: 2, duplicate: false, place: 0 }]]);
  });
});
