import { jest } from '@jest/globals';
import { queues, subject } from '@spillway/topology';
import { eventually } from '@spillway/testing';
import { DirectGet } from './direct-get.ts';
import { Publisher } from './publisher.ts';
import { Remover } from './purge.ts';
import { SubjectOwner, type SubjectOwnerOptions } from './subject-owner.ts';
import type { SubjectMessage } from './subject-message.ts';
import { startPlaneBroker, testLog, type PlaneBroker } from './testing/index.ts';

const STREAM = 'WEBHOOK_PARKED';
const SHARD = 3;

let plane: PlaneBroker;
let publisher: Publisher;
let reader: DirectGet;
const opened: { owner: SubjectOwner; beat: NodeJS.Timeout }[] = [];
beforeAll(async () => {
  plane = await startPlaneBroker();
  publisher = new Publisher(plane.broker, STREAM, { maxWaiting: 100_000 });
  reader = new DirectGet(plane.broker, STREAM);
});
afterAll(async () => {
  reader.close();
  await plane.stop();
});
afterEach(async () => {
  for (const { owner, beat } of opened.splice(0)) {
    clearInterval(beat);
    owner.abandon();
  }
  await plane.broker.api(`STREAM.PURGE.${STREAM}`);
});

const parked = (endpoint: string): string => subject.parked('first', SHARD, endpoint);
const park = (endpoint: string, count: number): Promise<unknown> =>
  Promise.all(Array.from({ length: count }, (_, n) => publisher.publish(parked(endpoint), [['ce-id', `${endpoint}-${n}`]], Buffer.from(String(n)))));
const stored = async (): Promise<number> => (await plane.broker.api<{ state: { messages: number } }>(`STREAM.INFO.${STREAM}`)).state.messages;

type Options = Partial<SubjectOwnerOptions>;
/** Settles at once what it is handed, and notes it. */
const open = (options: Options = {}): { owner: SubjectOwner; got: SubjectMessage[]; texts: (endpoint?: string) => string[] } => {
  const got: SubjectMessage[] = [];
  const take = options.take ?? (async (message: SubjectMessage) => message.remove());
  const owner = new SubjectOwner({
    broker: plane.broker,
    row: queues['parked-first'],
    shard: SHARD,
    world: `${STREAM}@t0`,
    mayAct: () => true,
    room: (_subject, held) => 256 - held,
    log: testLog,
    ...options,
    take: (message) => {
      got.push(message);
      return take(message);
    },
  });
  opened.push({ owner, beat: setInterval(() => owner.tick(performance.now()), 5) });
  const texts = (endpoint?: string): string[] => got.filter(({ subject: of }) => endpoint === undefined || of === parked(endpoint)).map(({ data }) => Buffer.from(data).toString());
  return { owner, got, texts };
};
const never = (): Promise<void> => new Promise<void>(() => undefined);
const numbers = (count: number): string[] => Array.from({ length: count }, (_, n) => String(n));

describe('working the subjects of a shard', () => {
  it('hands out each message once, whole and in order, and removes it', async () => {
    await park('ep_1', 1_000);
    const { owner, got, texts } = open();
    await eventually(async () => expect(await stored()).toBe(0));
    expect(texts()).toEqual(numbers(1_000));
    const [first] = got as [SubjectMessage];
    expect([first.origin, first.subject, first.deliveries, first.headers.get('ce-id')]).toEqual([`${STREAM}@t0:${first.sequence}`, parked('ep_1'), 1, 'ep_1-0']);
    expect(Math.abs(first.storedAtMs - Date.now())).toBeLessThan(60_000);
    expect([owner.inHand, owner.waiting(parked('ep_1'))]).toEqual([0, 0]);
  });

  it('works slices of ten thousand messages over several subjects, while more are written', async () => {
    await Promise.all([park('ep_1', 4_000), park('ep_2', 3_000)]);
    const { got, texts } = open({ listEveryMs: 300 });
    await park('ep_3', 3_000);
    await eventually(async () => expect([got.length, await stored()]).toEqual([10_000, 0]));
    expect([texts('ep_1'), texts('ep_2'), texts('ep_3')]).toEqual([numbers(4_000), numbers(3_000), numbers(3_000)]);
  });

  it('works thousands of subjects', async () => {
    await Promise.all(numbers(3_000).map((n) => park(`ep_${n}`, 2)));
    const { got } = open({ room: () => 5 });
    await eventually(async () => expect([got.length, await stored()]).toEqual([6_000, 0]), 60_000);
  });

  it('leaves the other shards alone', async () => {
    await publisher.publish(subject.parked('first', SHARD + 1, 'ep_1'), [], Buffer.from('theirs'));
    await publisher.publish(subject.parked('later', SHARD, 'ep_1'), [], Buffer.from('theirs'));
    await park('ep_1', 1);
    const { texts } = open();
    await eventually(async () => expect(await stored()).toBe(2));
    expect(texts()).toEqual(['0']);
  });

  it('takes turns: a subject with a long queue does not keep short ones waiting', async () => {
    await park('ep_long', 5_000);
    await Promise.all(numbers(100).map((n) => park(`ep_${n}`, 2)));
    const { got } = open({ room: () => 16 });
    await eventually(() => expect(got.length).toBe(5_200));
    const lastShort = got.findLastIndex(({ subject: of }) => of !== parked('ep_long'));
    expect(lastShort).toBeLessThan(3_000);
  });
});

describe('what is removed', () => {
  it('goes one by one above a message that does not end, and no further', async () => {
    await park('ep_1', 300);
    const { got } = open({ take: async (message) => (Buffer.from(message.data).toString() === '0' ? never() : message.remove()) });
    await eventually(async () => expect([got.length, await stored()]).toEqual([300, 1]));
    const { messages } = await reader.slice({ subject: parked('ep_1'), fromSequence: 1, batch: 10, maxBytes: 10_000 });
    expect(messages.map(({ sequence }) => sequence)).toEqual([got[0]?.sequence]);
  });

  it('stays when its handler throws, and comes again', async () => {
    await park('ep_1', 3);
    let faults = 1;
    const { texts } = open({
      take: async (message) => {
        if (Buffer.from(message.data).toString() === '1' && faults-- > 0) throw new Error('ours to mend');
        message.remove();
      },
    });
    await eventually(async () => expect(await stored()).toBe(0));
    expect(texts()).toEqual(['0', '1', '2', '1']);
  });

  it('stays when its handler ends without an outcome, is read again at once when the reason ends, and costs no memory meanwhile', async () => {
    await park('ep_1', 600);
    let suspended = true;
    // left for 5 s it would come again by itself
    const { owner, got } = open({ take: async (message) => (suspended ? 'until told' : message.remove()) });
    await eventually(() => expect([got.length, owner.inHand]).toEqual([600, 0]));
    suspended = false;
    owner.readAgain(parked('ep_1'));
    await eventually(async () => expect(await stored()).toBe(0));
    expect(got.length).toBe(1_200);
  });

  it('passes over what somebody else removed meanwhile', async () => {
    await park('ep_1', 10);
    let leave = true;
    const { owner, got } = open({ take: async (message) => (leave ? undefined : message.remove()) });
    await eventually(() => expect(got.length).toBe(10));
    await Remover.of(plane.broker).purge(STREAM, { filter: parked('ep_1'), seq: (got[5] as SubjectMessage).sequence });
    leave = false;
    owner.readAgain(parked('ep_1'));
    await eventually(async () => expect(await stored()).toBe(0));
    expect(got.length).toBe(15);
  });
});

describe('late writers', () => {
  it('are found by the next listing, in a subject that was worked and emptied', async () => {
    await park('ep_1', 10);
    const { texts } = open({ listEveryMs: 200 });
    await eventually(async () => expect(await stored()).toBe(0));
    await park('ep_1', 5);
    await eventually(async () => expect([texts().length, await stored()]).toEqual([15, 0]));
  });

  it.each([
    ['names the subject', parked('ep_1')],
    ['names none', ''],
  ])('are found at once by a nudge that %s', async (_what, payload) => {
    await park('ep_1', 10);
    const { texts } = open({ listEveryMs: 3_600_000 });
    await eventually(async () => expect(await stored()).toBe(0));
    await park('ep_1', 5);
    plane.broker.nc.publish(subject.nudge('first', SHARD), payload);
    await eventually(async () => expect([texts().length, await stored()]).toEqual([15, 0]));
  });

  it('are found one after the other while the subject is being read', async () => {
    const { texts } = open({ listEveryMs: 3_600_000 });
    for (let n = 0; n < 200; n += 1) {
      await publisher.publish(parked('ep_1'), [], Buffer.from(String(n)));
      plane.broker.nc.publish(subject.nudge('first', SHARD), parked('ep_1'));
    }
    await eventually(async () => expect(await stored()).toBe(0));
    expect(texts()).toEqual(numbers(200));
  });
});

describe('room', () => {
  it('is not exceeded, and what falls free is used', async () => {
    await park('ep_1', 100);
    let most = 0;
    let now = 0;
    const { got } = open({
      room: (_subject, held) => 5 - held,
      take: async (message) => {
        most = Math.max(most, (now += 1));
        await new Promise((resolve) => setTimeout(resolve, 2));
        now -= 1;
        message.remove();
      },
    });
    await eventually(async () => expect([got.length, await stored()]).toEqual([100, 0]));
    expect(most).toBe(5);
  });

  it('of nothing costs nothing: no read until somebody says that room came, and then at once', async () => {
    await Promise.all(numbers(1_000).map((n) => park(`ep_${n}`, 1)));
    const reads = jest.spyOn(DirectGet.prototype, 'slice');
    let room = 0;
    let asked = 0;
    const { owner, got } = open({
      room: () => {
        asked += 1;
        return room;
      },
    });
    await eventually(() => expect(asked).toBeGreaterThan(1_000));
    expect([reads.mock.calls.length, owner.inHand]).toEqual([0, 0]);
    expect([...owner.subjects()]).toHaveLength(1_000);
    room = 1;
    owner.poke(parked('ep_999'));
    await eventually(() => expect(got.length).toBeGreaterThan(0));
    expect(got[0]?.subject).toBe(parked('ep_999'));
    await eventually(async () => expect(await stored()).toBe(0));
    reads.mockRestore();
  });

  it('of memory is bounded, over all subjects together', async () => {
    await Promise.all(numbers(20).map((n) => park(`ep_${n}`, 100)));
    let most = 0;
    const full = Promise.withResolvers<void>();
    const { owner, got } = open({
      maxHeld: 150,
      take: async (message) => {
        most = Math.max(most, owner.inHand);
        await full.promise;
        await new Promise((resolve) => setTimeout(resolve, 2));
        message.remove();
      },
    });
    await eventually(() => expect(owner.inHand).toBe(150));
    full.resolve();
    await eventually(async () => expect([got.length, await stored()]).toEqual([2_000, 0]));
    expect(most).toBe(150);
  });
});

describe('leaving', () => {
  it('drains: takes nothing more, settles and removes what it has', async () => {
    await park('ep_1', 1_000);
    const ends: (() => void)[] = [];
    const { owner, got } = open({ room: (_subject, held) => 20 - held, take: (message) => new Promise((resolve) => ends.push(() => resolve(message.remove()))) });
    await eventually(() => expect(owner.inHand).toBe(20));
    let drained = false;
    const draining = owner.drain().then(() => (drained = true));
    ends.splice(0, 19).forEach((end) => end());
    await eventually(async () => expect(await stored()).toBe(981));
    expect(drained).toBe(false);
    ends.forEach((end) => end());
    await draining;
    expect([got.length, owner.inHand, await stored()]).toEqual([20, 0, 980]);
  });

  it('abandons: what was under way settles nothing any more, and the next owner gets all of it', async () => {
    await park('ep_1', 30);
    const ends: (() => void)[] = [];
    const first = open({ room: (_subject, held) => 20 - held, take: (message) => new Promise((resolve) => ends.push(() => resolve(message.remove()))) });
    await eventually(() => expect(first.owner.inHand).toBe(20));
    expect(first.got.every((message) => message.owned())).toBe(true);
    first.owner.abandon();
    expect(first.got.some((message) => message.owned())).toBe(false);
    ends.forEach((end) => end());
    const second = open();
    await eventually(async () => expect(await stored()).toBe(0));
    expect([first.got.length, second.texts()]).toEqual([20, numbers(30)]);
  });

  it('does nothing once its lease has lapsed, without being told', async () => {
    await park('ep_1', 30);
    let owned = true;
    const ends: (() => void)[] = [];
    const { owner, got } = open({ mayAct: () => owned, room: (_subject, held) => 10 - held, take: (message) => new Promise((resolve) => ends.push(() => resolve(message.remove()))) });
    await eventually(() => expect(owner.inHand).toBe(10));
    owned = false;
    ends.forEach((end) => end());
    const second = open();
    await eventually(async () => expect(await stored()).toBe(0));
    expect([got.length, second.texts()]).toEqual([10, numbers(30)]);
  });
});

describe('a broker that dies', () => {
  it('loses nothing, and repeats nothing that was settled two seconds before', async () => {
    await park('ep_1', 2_000);
    const settledAt = new Map<string, number>();
    const repeated: number[] = [];
    let killedAt = Number.POSITIVE_INFINITY;
    const { texts } = open({
      room: (_subject, held) => 8 - held,
      take: async (message) => {
        const text = Buffer.from(message.data).toString();
        const before = settledAt.get(text);
        if (before !== undefined) repeated.push(killedAt - before);
        await new Promise((resolve) => setTimeout(resolve, 5));
        settledAt.set(text, performance.now());
        message.remove();
      },
    });
    for (const settled of [300, 900]) {
      await eventually(() => expect(settledAt.size).toBeGreaterThan(settled));
      killedAt = performance.now();
      await plane.server.kill();
      await plane.server.restart();
    }
    await eventually(async () => expect([settledAt.size, await stored()]).toEqual([2_000, 0]), 60_000);
    expect(new Set(texts()).size).toBe(2_000);
    expect(repeated.filter((ms) => ms > 2_000)).toEqual([]);
  });
});
