import { durableName } from '@spillway/topology';
import { eventually } from '@spillway/testing';
import type { WaitingMessage } from './waiting-message.ts';
import { DurableWork } from './durable-work.ts';
import { PageNotes } from './page-notes.ts';
import { Publisher } from './publisher.ts';
import { RecentlySettled } from './recently-settled.ts';
import { startPlaneBroker, testLog, type PlaneBroker } from './testing/index.ts';

const STREAM = 'WEBHOOK_INGEST';
const DURABLE = durableName('dedupe-fresh');

let plane: PlaneBroker;
let publisher: Publisher;
const works: { work: DurableWork; beat: NodeJS.Timeout }[] = [];
beforeAll(async () => {
  plane = await startPlaneBroker();
  publisher = new Publisher(plane.broker, STREAM);
});
afterAll(() => plane.stop());
afterEach(async () => {
  for (const { work, beat } of works.splice(0)) {
    clearInterval(beat);
    work.abandon();
  }
  await plane.broker.api(`STREAM.PURGE.${STREAM}`);
  await settled();
});

const info = () => plane.broker.api<{ num_pending: number; num_ack_pending: number; num_waiting: number; ack_floor: { stream_seq: number } }>(`CONSUMER.INFO.${STREAM}.${DURABLE}`);
const settled = (): Promise<void> =>
  eventually(async () => {
    const { num_pending: pending, num_ack_pending: inFlight } = await info();
    if (pending + inFlight > 0) throw new Error(`${pending} pending, ${inFlight} in flight`);
  });
const send = (count: number, from = 0): Promise<unknown> =>
  Promise.all(Array.from({ length: count }, (_, n) => publisher.publish('webhook.ingest.fresh.acme', [['ce-id', String(from + n)]], Buffer.from(String(from + n)))));

type Options = { take: (message: WaitingMessage) => Promise<void>; room?: (held: number, bytes: number) => number; mayAct?: () => boolean };
const open = ({ take, room = (held) => 100 - held, mayAct = () => true }: Options): DurableWork => {
  const work = new DurableWork({ broker: plane.broker, stream: STREAM, durable: DURABLE, world: `${STREAM}@t0`, settled: new RecentlySettled(), room, mayAct, take, onSettled: () => undefined, brokerNowMs: () => 0, notes: new PageNotes(plane.broker, 'dedupe', 'test', testLog), log: testLog });
  works.push({ work, beat: setInterval(() => work.tick(performance.now()), 5) });
  return work;
};
/** What a killed server forgets of its consumers, in full: all of it comes again. */
const forget = async (): Promise<void> => {
  await plane.broker.api(`CONSUMER.DELETE.${STREAM}.${DURABLE}`);
  await plane.provision();
};
const later = () => Promise.withResolvers<void>();

describe('working a durable', () => {
  it('hands each message on once, whole, and removes it', async () => {
    const got: string[] = [];
    const work = open({
      take: async (message) => {
        got.push(`${message.headers.get('ce-id') ?? ''} ${Buffer.from(message.data).toString()}`);
        expect(message.origin).toBe(`${STREAM}@t0:${message.sequence}`);
        expect([message.deliveries, message.subject]).toEqual([1, 'webhook.ingest.fresh.acme']);
        expect(Math.abs(message.storedAtMs - Date.now())).toBeLessThan(60_000);
        message.remove();
      },
    });
    await send(1_000);
    await eventually(() => expect(got).toHaveLength(1_000));
    expect(got).toEqual(Array.from({ length: 1_000 }, (_, n) => `${n} ${n}`));
    await eventually(async () => expect(await info()).toMatchObject({ num_pending: 0, num_ack_pending: 0 }));
    expect(work.inHand).toBe(0);
  });

  it('never takes more than there is room for', async () => {
    const ends: (() => void)[] = [];
    let most = 0;
    const done: true[] = [];
    const work = open({
      room: (held) => 7 - held,
      take: async (message) => {
        most = Math.max(most, work.inHand);
        await new Promise<void>((resolve) => ends.push(resolve));
        message.remove();
        done.push(true);
      },
    });
    await send(50);
    await eventually(() => expect(work.inHand).toBe(7));
    expect((await info()).num_ack_pending).toBe(7);
    while (done.length < 50) {
      ends.splice(0).forEach((end) => end());
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(most).toBe(7);
  });

  it('keeps what takes longer than ack_wait from coming again', async () => {
    const end = later();
    const seen: number[] = [];
    open({
      take: async (message) => {
        seen.push(message.deliveries);
        await end.promise;
        message.remove();
      },
    });
    await send(1);
    await eventually(() => expect(seen).toHaveLength(1));
    // past ack_wait (5 s): without working() it would come again
    const after = performance.now() + 6_500;
    await eventually(() => expect(performance.now()).toBeGreaterThan(after));
    end.resolve();
    await eventually(async () => expect((await info()).num_ack_pending).toBe(0));
    expect(seen).toEqual([1]);
  });

  it('lets a message that was not removed come again, and counts it', async () => {
    const seen: number[] = [];
    open({
      take: async (message) => {
        seen.push(message.deliveries);
        if (message.deliveries > 1) message.remove();
      },
    });
    await send(1);
    await eventually(() => expect(seen).toEqual([1, 2]), 50_000);
  });

  it('settles all that it took before it leaves, and takes nothing more', async () => {
    const end = later();
    let removed = 0;
    const work = open({
      room: (held) => 5 - held,
      take: async (message) => {
        await end.promise;
        message.remove();
        removed += 1;
      },
    });
    await send(9);
    await eventually(() => expect(work.inHand).toBe(5));
    const drained = work.drain();
    end.resolve();
    await drained;
    expect(removed).toBe(5);
    await eventually(async () => expect(await info()).toMatchObject({ num_ack_pending: 0, num_pending: 4 }));
  });

  it('goes on by itself after the broker was killed, with nothing lost', async () => {
    const got = new Set<string>();
    open({
      take: async (message) => {
        got.add(Buffer.from(message.data).toString());
        message.remove();
      },
    });
    await send(200);
    await eventually(() => expect(got.size).toBe(200));
    await plane.server.kill();
    await plane.server.restart();
    await eventually(() => expect(plane.broker.connected).toBe(true));
    await eventually(() => send(200, 200), 60_000);
    await eventually(() => expect(got.size).toBe(400), 60_000);
  }, 130_000);

  it('works nothing twice that comes again while it is in hand, and removes it all the same', async () => {
    const end = later();
    const taken: number[] = [];
    const work = open({
      take: async (message) => {
        taken.push(message.sequence);
        await end.promise;
        message.remove();
      },
    });
    await send(50);
    await eventually(() => expect(work.inHand).toBe(50));
    await forget();
    await eventually(async () => expect(await info()).toMatchObject({ num_pending: 0, num_ack_pending: 50 }));
    end.resolve();
    await settled();
    expect([taken.length, new Set(taken).size, work.inHand]).toEqual([50, 50, 0]);
  });

  it('removes again, and does not work again, what it has settled and the server forgot', async () => {
    const taken: number[] = [];
    open({
      take: async (message) => {
        taken.push(message.sequence);
        message.remove();
      },
    });
    await send(50);
    await settled();
    await forget();
    await settled();
    expect(taken).toHaveLength(50);
    await send(1);
    await eventually(() => expect(taken).toHaveLength(51));
  });

  it('works once what it holds while the broker is killed', async () => {
    const end = later();
    const taken: number[] = [];
    const work = open({
      take: async (message) => {
        taken.push(message.sequence);
        await end.promise;
        message.remove();
      },
    });
    await send(100);
    await eventually(() => expect(work.inHand).toBe(100));
    await plane.server.kill();
    await plane.server.restart();
    await eventually(() => expect(plane.broker.connected).toBe(true));
    end.resolve();
    await eventually(settled, 60_000);
    expect([taken.length, new Set(taken).size]).toEqual([100, 100]);
  }, 130_000);

  it('says what is wrong when its durable is gone, and asks for it at the pace of a second', async () => {
    const work = open({ take: async () => undefined });
    await plane.broker.api(`CONSUMER.DELETE.${STREAM}.${DURABLE}`);
    await eventually(() => expect(work.fault).toBeDefined());
    await plane.provision();
    await send(1);
    await eventually(() => expect(work.fault).toBeUndefined());
  });
});
