import { header } from '@spillway/contracts';
import { durableName } from '@spillway/topology';
import { eventually } from '@spillway/testing';
import { DurableWork, type DurableWorkOptions } from './durable-work.ts';
import { PageNotes } from './page-notes.ts';
import { Publisher } from './publisher.ts';
import { RecentlySettled } from './recently-settled.ts';
import { startPlaneBroker, testLog, type PlaneBroker } from './testing/index.ts';
import type { WaitingMessage } from './waiting-message.ts';

const STREAM = 'WEBHOOK_INGEST';
const DURABLE = durableName('dedupe-fresh');
const SUBJECT = 'webhook.ingest.fresh.acme';
/** What takes so long came again, if it comes again at all: `ack_wait` is 5 s. */
const PAST_ACK_WAIT_MS = 6_500;

let plane: PlaneBroker;
let publisher: Publisher;
const works: { work: DurableWork; beat: NodeJS.Timeout }[] = [];
beforeAll(async () => {
  plane = await startPlaneBroker();
  publisher = new Publisher(plane.broker, STREAM, { pages: () => true, timeoutMs: 30_000 });
});
afterAll(() => plane.stop());
afterEach(async () => {
  for (const { work, beat } of works.splice(0)) {
    clearInterval(beat);
    work.abandon();
  }
  // a durable of its own for each test: what one left unsettled is no other's
  await plane.broker.api(`STREAM.PURGE.${STREAM}`);
  await forget();
});

type Info = { num_pending: number; num_ack_pending: number; num_redelivered: number };
const info = () => plane.broker.api<Info>(`CONSUMER.INFO.${STREAM}.${DURABLE}`);
const settled = (timeoutMs?: number): Promise<void> =>
  eventually(async () => {
    const { num_pending: pending, num_ack_pending: inFlight } = await info();
    if (pending + inFlight > 0) throw new Error(`${pending} pending, ${inFlight} in flight`);
  }, timeoutMs);
/** Also what a killed server forgets of its consumers, in full: all of it comes again. */
const forget = async (): Promise<void> => {
  await plane.broker.api(`CONSUMER.DELETE.${STREAM}.${DURABLE}`);
  await plane.provision();
};
const passed = (ms: number): Promise<void> => {
  const until = performance.now() + ms;
  return eventually(() => expect(performance.now()).toBeGreaterThan(until), ms + 20_000);
};

const textOf = ({ data }: WaitingMessage): string => Buffer.from(data).toString();
const texts = (count: number): string[] => Array.from({ length: count }, (_, n) => String(n));
/** @returns the page's sequence */
const sendPage = async (count: number): Promise<number> => {
  const acks = await publisher.publishEach(texts(count).map((text) => ({ subject: SUBJECT, headers: [['ce-id', `e${text}`]], data: Buffer.from(text) })));
  const sequences = new Set(acks.map((ack) => (ack instanceof Error ? ack.message : ack.seq)));
  expect(sequences.size).toBe(1);
  return [...sequences][0] as number;
};

type Options = Partial<DurableWorkOptions> & Pick<DurableWorkOptions, 'take'>;
const open = ({ mayAct = () => true, ...over }: Options): DurableWork => {
  const options = { world: `${STREAM}@t0`, settled: new RecentlySettled(), room: (held: number) => 2_000 - held, onSettled: () => undefined, brokerNowMs: () => 0, notes: new PageNotes(plane.broker, 'dedupe', 'test', testLog) };
  const work = new DurableWork({ broker: plane.broker, stream: STREAM, durable: DURABLE, log: testLog, mayAct, ...options, ...over });
  works.push({ work, beat: setInterval(() => work.tick(performance.now()), 5) });
  return work;
};
type Seen = [text: string, deliveries: number];
/** Takes all, and removes what `ends` says. */
const recording = (seen: Seen[], ends: (text: string, deliveries: number) => boolean = () => true) => async (message: WaitingMessage): Promise<void> => {
  seen.push([textOf(message), message.deliveries]);
  if (ends(textOf(message), message.deliveries)) message.remove();
};

describe('a page', () => {
  it('is handed on as its messages, and removed with the last of them', async () => {
    const sequence = await sendPage(100);
    const taken: WaitingMessage[] = [];
    const ends: (() => void)[] = [];
    const work = open({ take: (message) => new Promise((resolve) => ends.push(() => resolve(message.remove()), ) && taken.push(message)) });
    await eventually(() => expect(taken).toHaveLength(100));
    expect(taken.map((message) => [message.origin, message.place, message.sequence, message.subject, message.deliveries, message.headers.get('ce-id'), textOf(message)])).toEqual(
      texts(100).map((text, place) => [`${STREAM}@t0:${sequence}-${place}`, place, sequence, SUBJECT, 1, `e${text}`, text]),
    );
    for (const { storedAtMs } of taken) expect(Math.abs(storedAtMs - Date.now())).toBeLessThan(600_000);
    expect(work.inHand).toBe(100);
    for (const end of ends.splice(0, 99)) end();
    await eventually(() => expect(work.inHand).toBe(1));
    expect(await info()).toMatchObject({ num_pending: 0, num_ack_pending: 1 });
    ends[0]?.();
    await settled();
    expect([work.inHand, taken.length]).toEqual([0, 100]);
  });

  it('is room for as many as it holds', async () => {
    for (let n = 0; n < 6; n += 1) await sendPage(100);
    const ends: (() => void)[] = [];
    let most = 0;
    const work = open({
      room: (held) => (held === 0 ? 1 : 100 - held),
      take: async (message) => {
        most = Math.max(most, work.inHand);
        await new Promise<void>((resolve) => ends.push(resolve));
        message.remove();
      },
    });
    await eventually(() => expect(work.inHand).toBe(100));
    expect(await info()).toMatchObject({ num_pending: 5, num_ack_pending: 1 });
    await eventually(async () => {
      ends.splice(0).forEach((end) => end());
      expect(await info()).toMatchObject({ num_pending: 0, num_ack_pending: 0 });
    });
    expect(most).toBe(100);
  });

  it('is asked for by the number of pages, once it was seen how many messages they hold', async () => {
    for (let n = 0; n < 30; n += 1) await sendPage(50);
    let isLearning = true;
    const end = Promise.withResolvers<void>();
    const work = open({
      // one by one at first, so that it learns; then as many as there are
      room: (held) => (isLearning ? (held === 0 ? 1 : 0) : 200 - held),
      take: async (message) => {
        if (!isLearning) await end.promise;
        message.remove();
      },
    });
    await settled(60_000);
    isLearning = false;
    for (let n = 0; n < 20; n += 1) await sendPage(50);
    await eventually(() => expect(work.inHand).toBeGreaterThanOrEqual(200));
    await passed(300);
    // four pages for 200, and one or two for what it takes them for at most; without it all twenty
    expect(work.inHand).toBeLessThanOrEqual(400);
    end.resolve();
    await settled();
  });

  it('that cannot be read is handed on whole', async () => {
    const seen: unknown[] = [];
    open({
      take: async (message) => {
        seen.push([textOf(message), message.place, message.origin]);
        message.remove();
      },
    });
    const { seq } = await publisher.publish(SUBJECT, [[header.page, '3']], Buffer.from('no page'));
    await settled();
    expect(seen).toEqual([['no page', undefined, `${STREAM}@t0:${seq}`]]);
  });
});

describe('what comes to no outcome on a page', () => {
  it('is taken up again here, and nothing else of it, nor by anybody else', async () => {
    const [seen, beside]: [Seen[], Seen[]] = [[], []];
    open({ take: recording(seen, (text, deliveries) => text !== '3' || deliveries === 3) });
    await sendPage(10);
    await eventually(() => expect(seen).toHaveLength(10));
    open({ take: recording(beside) });
    await settled(60_000);
    expect(seen).toEqual([...texts(10).map((text) => [text, 1]), ['3', 2], ['3', 3]]);
    expect([beside, (await info()).num_redelivered]).toEqual([[], 0]);
  }, 90_000);

  it('is waited for no longer once the work is drained: then it goes to whoever comes next, and nothing else of the page', async () => {
    const [seen, next]: [Seen[], Seen[]] = [[], []];
    const work = open({ take: recording(seen, (text) => text !== '3') });
    await sendPage(10);
    await eventually(() => expect(seen).toHaveLength(10));
    const since = performance.now();
    await work.drain();
    expect(performance.now() - since).toBeLessThan(4_000);
    const screened: unknown[] = [];
    open({ take: recording(next), screen: (messages) => (screened.push(messages.length), { left: new Set(), done: Promise.resolve() }) });
    await settled(60_000);
    // nobody screens what somebody has worked before
    expect([next, screened, seen.length]).toEqual([[['3', 2]], [], 10]);
  }, 90_000);

  it('is not taken up again by whoever has lost the shard', async () => {
    let mine = true;
    const [seen, next]: [Seen[], Seen[]] = [[], []];
    open({ take: recording(seen, (text) => text !== '3'), mayAct: () => mine });
    await sendPage(10);
    await eventually(() => expect(seen).toHaveLength(10));
    mine = false;
    clearInterval(works[0]?.beat); // it pulls no more; what it has in hand goes on
    open({ take: recording(next) });
    await settled(60_000);
    await passed(PAST_ACK_WAIT_MS - 5_000);
    expect([next.length, seen.length]).toEqual([10, 10]);
  }, 90_000);

  it('comes once while the page is held, whatever the server forgets meanwhile', async () => {
    const end = Promise.withResolvers<void>();
    const seen: Seen[] = [];
    const work = open({
      take: async (message) => {
        seen.push([textOf(message), message.deliveries]);
        await end.promise;
        message.remove();
      },
    });
    await sendPage(50);
    await eventually(() => expect(work.inHand).toBe(50));
    await forget();
    await eventually(async () => expect(await info()).toMatchObject({ num_pending: 0, num_ack_pending: 1 }));
    end.resolve();
    await settled();
    await forget();
    await settled();
    expect([seen.length, new Set(seen.map(([text]) => text)).size, work.inHand]).toEqual([50, 50, 0]);
  });
});

const isEven = (message: WaitingMessage): boolean => Number(textOf(message)) % 2 === 0;

describe('what waits to be tried again', () => {
  it('takes its room all the while, and is in hand', async () => {
    const seen: Seen[] = [];
    const work = open({ take: recording(seen, (text, deliveries) => Number(text) % 2 === 1 || deliveries > 1), room: (held) => (held === 0 ? 1 : 0) });
    await sendPage(10);
    await eventually(() => expect([seen.length, work.inHand]).toEqual([10, 5]));
    await sendPage(10);
    await passed(1_000);
    // the other page is not asked for before these have ended
    expect([seen.length, work.inHand]).toEqual([10, 5]);
    await settled(60_000);
    expect([seen.length, work.inHand]).toEqual([30, 0]);
  }, 90_000);
});

describe('screening', () => {
  it('takes out of a page what nobody need work, and the page stays until that is done with', async () => {
    const seen: Seen[] = [];
    const done = Promise.withResolvers<void>();
    const work = open({ take: recording(seen), screen: (messages) => ({ left: new Set(messages.filter(isEven)), done: done.promise }) });
    await sendPage(10);
    await eventually(() => expect(seen).toHaveLength(5));
    await passed(200);
    expect([work.inHand, (await info()).num_ack_pending]).toEqual([5, 1]);
    done.resolve();
    await settled();
    expect([seen.map(([text]) => text), work.inHand]).toEqual([['0', '2', '4', '6', '8'], 0]);
  });

  it('gives no room to what it takes out: more may come before that is done with', async () => {
    const seen: Seen[] = [];
    const done = Promise.withResolvers<void>();
    const work = open({ take: recording(seen), room: (held) => (held === 0 ? 1 : 0), screen: () => ({ left: new Set(), done: done.promise }) });
    for (let page = 0; page < 3; page += 1) await sendPage(100);
    await eventually(() => expect(work.inHand).toBe(300));
    done.resolve();
    await settled();
    expect([seen, work.inHand]).toEqual([[], 0]);
  });

  it('hands them on after all when they could not be done with', async () => {
    const seen: Seen[] = [];
    const work = open({ take: recording(seen), screen: (messages) => ({ left: new Set(messages.filter(isEven)), done: Promise.reject(new Error('no ledger')) }) });
    await sendPage(10);
    await settled(60_000);
    expect(seen).toEqual([...['0', '2', '4', '6', '8'].map((text) => [text, 1]), ...['1', '3', '5', '7', '9'].map((text) => [text, 2])]);
    expect(work.inHand).toBe(0);
  }, 60_000);

  it('may take all of them, or none', async () => {
    const seen: Seen[] = [];
    let takes = true;
    const work = open({ take: recording(seen), screen: (messages) => ({ left: new Set(takes ? [] : messages), done: Promise.resolve() }) });
    await sendPage(10);
    await settled();
    expect(seen).toEqual([]);
    takes = false;
    await sendPage(10);
    await settled();
    expect([seen.length, work.inHand]).toEqual([10, 0]);
  });

  it('is not asked of a message by itself', async () => {
    const seen: Seen[] = [];
    open({ take: recording(seen), screen: () => ({ left: new Set(), done: Promise.resolve() }) });
    await publisher.publish(SUBJECT, [], Buffer.from('alone'));
    await settled();
    expect(seen).toEqual([['alone', 1]]);
  });
});
