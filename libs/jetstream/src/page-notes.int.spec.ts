import { durableName } from '@spillway/topology';
import { eventually, startSilencingProxy, type SilencingProxy } from '@spillway/testing';
import { createLogger } from '@spillway/telemetry';
import { Broker } from './broker.ts';
import { BucketKeys } from './bucket-keys.ts';
import { DurableWork, type DurableWorkOptions } from './durable-work.ts';
import { sweepLitter } from './litter.ts';
import { pageKey } from './page-key.ts';
import { PageNotes } from './page-notes.ts';
import { DonePlaces, readNote, writeNote, type Noted } from './page-progress.ts';
import { Publisher } from './publisher.ts';
import { RecentlySettled } from './recently-settled.ts';
import { startPlaneBroker, testLog, type PlaneBroker } from './testing/index.ts';
import type { WaitingMessage } from './waiting-message.ts';
import { WatchedBucket } from './watched-bucket.ts';

const STREAM = 'WEBHOOK_INGEST';
const WORLD = `${STREAM}@t0`;
const DURABLE = durableName('dedupe-fresh');
const APP = 'dedupe';
/** What is tried again is so after 5 s, and what is given back comes again after `ack_wait`, as long. */
const SETTLED_WITHIN_MS = 60_000;
/** At once, and as often as it is looked at: each second. */
const SOON = { afterMs: 0, everyMs: 0, unansweredMax: 12 };

let plane: PlaneBroker;
let publisher: Publisher;
let keys: BucketKeys;
let notes: PageNotes;
const works: { work: DurableWork; beat: NodeJS.Timeout }[] = [];
beforeAll(async () => {
  plane = await startPlaneBroker();
  publisher = new Publisher(plane.broker, STREAM, { pages: () => true, timeoutMs: 30_000 });
  keys = new BucketKeys(plane.broker, 'webhook_leases');
  notes = new PageNotes(plane.broker, APP, 'test', testLog);
});
afterAll(() => plane.stop());
afterEach(async () => {
  for (const one of works.splice(0)) kill(one);
  await plane.broker.api(`STREAM.PURGE.${STREAM}`);
  await plane.broker.api(`CONSUMER.DELETE.${STREAM}.${DURABLE}`);
  await plane.provision();
});

type Open = (typeof works)[number];
/** As a process that is killed: it says nothing any more, and nothing of it is kept. */
const kill = ({ work, beat }: Open): void => {
  clearInterval(beat);
  work.abandon();
};
const textOf = ({ data }: WaitingMessage): string => Buffer.from(data).toString();
const texts = (count: number): string[] => Array.from({ length: count }, (_, n) => String(n));
/** @returns the page's sequence */
const sendPage = async (count: number): Promise<number> => {
  const [ack] = await publisher.publishEach(texts(count).map((text) => ({ subject: 'webhook.ingest.fresh.acme', headers: [], data: Buffer.from(text) })));
  if (ack === undefined || ack instanceof Error) throw ack ?? new Error('no answer');
  return ack.seq;
};
const settled = (timeoutMs = SETTLED_WITHIN_MS): Promise<void> =>
  eventually(async () => expect(await plane.broker.api(`CONSUMER.INFO.${STREAM}.${DURABLE}`)).toMatchObject({ num_pending: 0, num_ack_pending: 0 }), timeoutMs);

/** A worker that knows of nothing but what is noted. */
const open = (take: DurableWorkOptions['take'], over: Partial<DurableWorkOptions> = {}): Open => {
  const fresh = { settled: new RecentlySettled(), notes, room: (held: number) => 2_000 - held, mayAct: () => true, onSettled: () => undefined, brokerNowMs: () => 0 };
  const work = new DurableWork({ broker: plane.broker, stream: STREAM, durable: DURABLE, world: WORLD, log: testLog, take, ...fresh, ...over });
  const one = { work, beat: setInterval(() => work.tick(performance.now()), 5) };
  works.push(one);
  return one;
};
const isEven = (message: WaitingMessage): boolean => Number(textOf(message)) % 2 === 0;
/** Removes what `ends` says; the rest comes to no outcome. */
const recording = (seen: string[], ends: (message: WaitingMessage) => boolean = () => true) => async (message: WaitingMessage): Promise<void> => {
  seen.push(textOf(message));
  if (ends(message)) message.remove();
};
const odds = texts(100).filter((_, n) => n % 2 === 1);
const doneOf = (count: number, done: readonly number[]): DonePlaces => {
  const places = new DonePlaces(count);
  for (const place of done) places.add(place);
  return places;
};
/** The page that waits goes to somebody who is killed over it. @returns which it was */
const givenAndLost = async (): Promise<Noted> => {
  const given: WaitingMessage[] = [];
  const one = open(async (message) => void given.push(message));
  await eventually(() => expect(given.length).toBeGreaterThan(0));
  kill(one);
  const first = given[0] as WaitingMessage;
  return { origin: first.origin.slice(0, first.origin.lastIndexOf('-')), storedAtMs: first.storedAtMs };
};
const pageAt = (sequence: number): Noted => ({ origin: `${WORLD}:${sequence}`, storedAtMs: 1 });
const keyOf = (sequence: number): string => pageKey(APP, `${WORLD}:${sequence}`);
const noted = async (sequence: number): Promise<{ done: number; text: string } | undefined> => {
  const entry = await keys.read(keyOf(sequence));
  if (!entry) return undefined;
  const said = JSON.parse(entry.value) as Noted & { events: number };
  return { done: readNote(entry.value, said, said.events)?.size ?? -1, text: entry.value };
};
const untilNoted = (sequence: number, done: number): Promise<void> => eventually(async () => expect((await noted(sequence))?.done).toBe(done), SETTLED_WITHIN_MS);

describe('of a page that comes again', () => {
  it('after its worker was drained nothing is handed out that was done, however young it is', async () => {
    const [seen, next]: [string[], string[]] = [[], []];
    const one = open(recording(seen, isEven));
    const sequence = await sendPage(100);
    await eventually(() => expect(seen).toHaveLength(100));
    expect(await noted(sequence)).toBeUndefined();
    await one.work.drain();
    kill(one);
    expect((await noted(sequence))?.done).toBe(50);
    open(recording(next));
    await settled();
    expect([next, await noted(sequence)]).toEqual([odds, undefined]);
  }, 90_000);

  it('after a drain that does not end, since a handler waits for room, neither', async () => {
    const next: string[] = [];
    const room = Promise.withResolvers<void>();
    const one = open((message) => (isEven(message) ? Promise.resolve(message.remove()) : room.promise));
    const sequence = await sendPage(100);
    await eventually(() => expect(one.work.inHand).toBe(50));
    const drained = one.work.drain();
    await untilNoted(sequence, 50);
    kill(one);
    room.resolve();
    await drained;
    open(recording(next));
    await settled();
    expect(next).toEqual(odds);
  }, 90_000);

  it('after its worker was killed nothing is handed out that was noted before, by whichever worker it was', async () => {
    const [seen, second, third]: [string[], string[], string[]] = [[], [], []];
    const one = open(recording(seen, isEven), { noting: SOON });
    const sequence = await sendPage(100);
    await untilNoted(sequence, 50);
    kill(one);
    const two = open(recording(second, (message) => Number(textOf(message)) < 50), { noting: { ...SOON, afterMs: 600_000 } });
    await untilNoted(sequence, 75);
    kill(two);
    open(recording(third));
    await settled();
    expect([new Set(second), third, await noted(sequence)]).toEqual([new Set(odds), odds.slice(25), undefined]);
  }, 150_000);

  it('what was screened out is known, too', async () => {
    const next: string[] = [];
    const one = open(recording([], () => false), { screen: (messages) => ({ left: new Set(messages.filter((message) => !isEven(message))), done: Promise.resolve() }) });
    const sequence = await sendPage(100);
    await eventually(() => expect(one.work.inHand).toBe(50));
    await one.work.drain();
    kill(one);
    expect((await noted(sequence))?.done).toBe(50);
    open(recording(next));
    await settled();
    expect(next).toEqual(odds);
  }, 90_000);

  it('all was done, and only the page itself not removed: it is, and nothing is handed out', async () => {
    const next: string[] = [];
    const sequence = await sendPage(10);
    await keys.put(keyOf(sequence), writeNote(await givenAndLost(), doneOf(10, texts(10).map(Number)), 'test', new Date()));
    open(recording(next));
    await settled();
    expect([next, await noted(sequence)]).toEqual([[], undefined]);
  }, 90_000);

  it.each([
    ['what nobody of us wrote', () => 'strange'],
    ['what was noted of another message under its sequence', (page: Noted) => writeNote({ ...page, storedAtMs: page.storedAtMs - 1 }, doneOf(10, [0, 1, 2]), 'test', new Date())],
  ])('%s counts for nothing, and is said', async (_what, value) => {
    const said: string[] = [];
    const log = createLogger('test', 'warn', { write: (line: string) => void said.push(line) });
    const next: string[] = [];
    const sequence = await sendPage(10);
    await keys.put(keyOf(sequence), value(await givenAndLost()));
    open(recording(next), { notes: new PageNotes(plane.broker, APP, 'test', log) });
    await settled();
    expect([next, said.length, await noted(sequence)]).toEqual([texts(10), 1, undefined]);
  }, 90_000);
});

describe('what is noted of a page', () => {
  it('is nothing while the page is young, and nothing once it was removed', async () => {
    const seen: string[] = [];
    let ends = false;
    open(recording(seen, (message) => isEven(message) || ends));
    const sequence = await sendPage(100);
    await eventually(() => expect(seen).toHaveLength(100));
    ends = true;
    await settled();
    expect([seen.length, await noted(sequence)]).toEqual([150, undefined]);
    // never: not even what a removed key leaves behind
    expect(await messagesOf(sequence)).toBe(0);
  }, 90_000);

  it('is not written by whoever has lost the page', async () => {
    const seen: string[] = [];
    let mine = true;
    const one = open(recording(seen, isEven), { mayAct: () => mine, noting: { ...SOON, afterMs: 600_000 } });
    const sequence = await sendPage(100);
    await eventually(() => expect(seen).toHaveLength(100));
    mine = false;
    await one.work.drain();
    expect(await messagesOf(sequence)).toBe(0);
  }, 90_000);

  it('by two who were given it is what both know', async () => {
    const page = pageAt(4_000_000);
    const [one, other] = [doneOf(20, [1, 2]), doneOf(20, [2, 19])];
    const first = await notes.write(page, one, 0);
    const second = await new PageNotes(plane.broker, APP, 'other', testLog).write(page, other, 0);
    expect([(await notes.read(page, 20))?.done?.size, other.size]).toEqual([3, 3]);
    one.add(7);
    const third = await notes.write(page, one, first ?? 0);
    expect([(await notes.read(page, 20))?.done?.size, (await notes.read(page, 20))?.revision, third === second]).toEqual([4, third, false]);
    await notes.remove(page);
    expect([await notes.read(page, 20), await notes.write(page, one, third ?? 0)]).toEqual([undefined, expect.any(Number)]);
    await notes.remove(page);
  });

  it('stands in place of whatever lay there', async () => {
    const page = pageAt(4_000_002);
    await keys.put(keyOf(4_000_002), 'strange');
    await notes.write(page, doneOf(20, [1]), 0);
    expect((await notes.read(page, 20))?.done?.size).toBe(1);
    await notes.remove(page);
  });

  it('is nothing to those who watch the bucket', async () => {
    const watched = await WatchedBucket.open(await plane.connect(), 'webhook_leases', { log: testLog });
    const told: string[] = [];
    watched.onChange((key) => told.push(key));
    const page = pageAt(4_000_001);
    await notes.write(page, doneOf(20, [1]), 0);
    const revision = await keys.put('dispatcher.3', '{}');
    expect(await watched.caughtUp(revision, 60_000)).toBe(true);
    expect([told, watched.get(keyOf(4_000_001))]).toEqual([['dispatcher.3'], undefined]);
    watched.close();
    await notes.remove(page);
  });

  it('of pages that are gone is swept, with what it left behind, and of no others', async () => {
    const sequence = await sendPage(2);
    const [there, gone, ofAnother] = [keyOf(sequence), keyOf(sequence + 1_000), pageKey('other', `${WORLD}:${sequence + 1_000}`)];
    for (const key of [there, gone, ofAnother]) await keys.put(key, '{}');
    await sweepLitter(plane.broker, APP);
    expect([await keys.read(gone), (await keys.read(there))?.value, (await keys.read(ofAnother))?.value]).toEqual([undefined, '{}', '{}']);
    await keys.put('newer', '{}');
    await sweepLitter(plane.broker, APP);
    expect([await messagesOf(sequence + 1_000), await messagesOf(sequence), await sweepLitter(plane.broker, APP)]).toEqual([0, 1, 0]);
  });

  it('leaves next to nothing behind, however many pages come and go', async () => {
    const before = await messagesOf();
    for (let n = 1; n <= 30; n += 1) {
      const page = pageAt(5_000_000 + n);
      await notes.write(page, doneOf(2, [1]), 0);
      await notes.remove(page);
    }
    await eventually(async () => expect(await messagesOf()).toBeLessThanOrEqual(before + 1));
  });
});

/** Removed keys are some, too. @param sequence absent: of all pages */
const messagesOf = async (sequence?: number): Promise<number> => {
  const filter = keys.subjectOf(sequence === undefined ? 'page.>' : keyOf(sequence));
  const { state } = await plane.broker.api<{ state: { subjects?: Record<string, number> } }>('STREAM.INFO.KV_webhook_leases', { subjects_filter: filter });
  return Object.values(state.subjects ?? {}).reduce((sum, count) => sum + count, 0);
};

/** Half of it done and noted. @returns its sequence */
const halfDone = async (): Promise<number> => {
  const one = open(recording([], isEven));
  const sequence = await sendPage(100);
  await eventually(() => expect(one.work.inHand).toBe(50));
  await one.work.drain();
  kill(one);
  expect((await noted(sequence))?.done).toBe(50);
  return sequence;
};

describe('while what was noted cannot be read', () => {
  let proxy: SilencingProxy;
  let distant: Broker;
  beforeAll(async () => {
    proxy = await startSilencingProxy(Number(plane.url.split(':').at(-1)));
    distant = await Broker.connect({ servers: `127.0.0.1:${proxy.port}`, name: 'distant', log: testLog });
  });
  afterAll(async () => {
    await distant.close();
    await proxy.stop();
  });

  const silence = (): void => proxy.silence('$JS.API.STREAM.MSG.GET.KV_webhook_leases', 'requests');

  it.each([
    ['since the broker is away', () => proxy.stop(), (port: number) => proxy.listen(port)],
    ['since no answer comes', async () => silence(), async () => proxy.speak()],
  ])('%s, a page is held and nothing of it handed out; then what is left', async (_why, lose, mend) => {
    const seen: string[] = [];
    const sequence = await halfDone();
    const { port } = proxy;
    await lose();
    await eventually(async () => expect(await distant.api('STREAM.MSG.GET.KV_webhook_leases', { last_by_subj: '$KV.webhook_leases.marker' }, 200).catch((error: unknown) => error)).toBeInstanceOf(Error));
    const next = open(recording(seen), { notes: new PageNotes(distant, APP, 'test', testLog) });
    // longer than `ack_wait`: nobody else would be given it, either
    await eventually(() => expect(next.work.inHand).toBe(100), SETTLED_WITHIN_MS);
    const since = performance.now();
    await eventually(() => expect(performance.now() - since).toBeGreaterThan(7_000), SETTLED_WITHIN_MS);
    expect([seen, await info()]).toEqual([[], expect.objectContaining({ num_ack_pending: 1, num_redelivered: 1 })]);
    await mend(port);
    await settled();
    expect([seen, await noted(sequence)]).toEqual([odds, undefined]);
  }, 150_000);

  it('a page is left to whoever comes next when its worker is drained', async () => {
    const [seen, next]: [string[], string[]] = [[], []];
    await halfDone();
    const { port } = proxy;
    await proxy.stop();
    const one = open(recording(seen), { notes: new PageNotes(distant, APP, 'test', testLog) });
    await eventually(() => expect(one.work.inHand).toBe(100), SETTLED_WITHIN_MS);
    await one.work.drain();
    kill(one);
    await proxy.listen(port);
    open(recording(next));
    await settled();
    expect([seen, next]).toEqual([[], odds]);
  }, 150_000);

  it('for so long that it would stand still, all of it is worked: twice is better than never', async () => {
    const seen: string[] = [];
    await halfDone();
    silence();
    open(recording(seen), { notes: new PageNotes(distant, APP, 'test', testLog), noting: { ...SOON, unansweredMax: 1 } });
    await settled(120_000);
    proxy.speak();
    expect(seen).toEqual(texts(100));
  }, 150_000);
});

const info = (): Promise<{ num_ack_pending: number; num_redelivered: number }> => plane.broker.api(`CONSUMER.INFO.${STREAM}.${DURABLE}`);
