import { eventually } from '@spillway/testing';
import { BucketKeys } from './bucket-keys.ts';
import { Publisher } from './publisher.ts';
import { Suspects } from './suspects.ts';
import { sweepLitter } from './litter.ts';
import { suspectKey } from './suspect-key.ts';
import { SuspectMarkers } from './suspect-markers.ts';
import type { Marker, Thrown } from './suspicion.ts';
import type { Left } from './subject-queue.ts';
import { startPlaneBroker, testLog, type PlaneBroker } from './testing/index.ts';
import type { WaitingMessage } from './waiting-message.ts';
import { WatchedBucket } from './watched-bucket.ts';

const STREAM = 'WEBHOOK_DELIVERY';
let plane: PlaneBroker;
let keys: BucketKeys;
beforeAll(async () => {
  plane = await startPlaneBroker();
  keys = new BucketKeys(plane.broker, 'webhook_leases');
});
afterAll(() => plane.stop());

let last = 0;
class Message implements WaitingMessage {
  readonly sequence = (last += 1);
  readonly subject = 'webhook.delivery.fresh.3';
  readonly storedAtMs = 0;
  readonly headers = { get: () => undefined, entries: () => [] };
  readonly data = Buffer.from('x');
  removed = false;
  mine = true;

  constructor(
    readonly deliveries = 3,
    readonly place?: number,
  ) {}

  get origin(): string {
    return `${STREAM}@t0:${this.sequence}${this.place === undefined ? '' : `-${this.place}`}`;
  }

  owned(): boolean {
    return this.mine;
  }

  hold(): void {}

  remove(): void {
    this.removed = true;
  }
}

type Buried = { sequence: number; reason: string; blind: boolean };
/** Longer than any of these tests: what is worked there is worked alone to its end, however slow the machine. */
const ALWAYS_ALONE_MS = 600_000;
const app = (aloneMs?: number): { suspects: Suspects; name: string; buried: Buried[]; alone: (string | undefined)[]; thrown: { as: Thrown }; burial: { fails: boolean } } => {
  const name = `app${(last += 1)}`;
  const buried: Buried[] = [];
  const alone: (string | undefined)[] = [];
  const thrown: { as: Thrown } = { as: 'own' };
  const burial = { fails: false };
  const suspects = new Suspects({
    markers: new SuspectMarkers(plane.broker, name, 'test', testLog),
    judgeThrow: () => thrown.as,
    bury: async (message, { reason, blind }) => {
      if (burial.fails) throw new Error('no room');
      buried.push({ sequence: message.sequence, reason, blind });
      message.remove();
    },
    onAlone: (origin) => alone.push(origin),
    ...(aloneMs !== undefined && { aloneMs }),
    log: testLog,
  });
  return { suspects, name, buried, alone, thrown, burial };
};
const markerOf = async (name: string, { origin }: Message): Promise<Marker | undefined> => {
  const entry = await keys.read(suspectKey(name, origin));
  return entry && (JSON.parse(entry.value) as Marker);
};
const leave = (name: string, { origin }: Message, over: Partial<Marker>): Promise<number> =>
  keys.create(suspectKey(name, origin), JSON.stringify({ origin, is: 'alone', crashes: 0, throws: 0, ...over }));
const removes = (message: Message) => async (): Promise<Left> => message.remove();

it('works suspects one at a time, each under a marker that is stored before it is worked and gone afterwards', async () => {
  const { suspects, name, alone } = app(ALWAYS_ALONE_MS);
  const messages = Array.from({ length: 20 }, () => new Message());
  let under = 0;
  let most = 0;
  const seen: (string | undefined)[] = [];
  await Promise.all(
    messages.map((message) =>
      suspects.work(message, async () => {
        most = Math.max(most, (under += 1));
        seen.push((await markerOf(name, message))?.is);
        under -= 1;
        message.remove();
      }),
    ),
  );
  expect([most, new Set(seen), suspects.inHand, suspects.worked]).toEqual([1, new Set(['alone']), 0, 20]);
  expect(alone).toEqual(messages.flatMap(({ origin }) => [origin, undefined]));
  expect(await Promise.all(messages.map((message) => markerOf(name, message)))).toEqual(messages.map(() => undefined));
});

it('leaves next to nothing behind in the bucket of the leases, and whoever watches it goes on', async () => {
  const { suspects } = app();
  const watched = await WatchedBucket.open(await plane.connect(), 'webhook_leases', { log: testLog });
  await watched.whenReady();
  const stored = async (): Promise<number> => (await plane.broker.api<{ state: { messages: number } }>('STREAM.INFO.KV_webhook_leases')).state.messages;
  const before = await stored();
  for (let n = 0; n < 50; n += 1) {
    const message = new Message();
    await suspects.work(message, removes(message));
  }
  await eventually(async () => expect(await stored()).toBeLessThanOrEqual(before + 1));
  const later = await WatchedBucket.open(await plane.connect(), 'webhook_leases', { log: testLog });
  await later.whenReady();
  expect([watched.state.ready, later.state.ready]).toEqual([true, true]);
  watched.close();
  later.close();
});

it('removes markers of messages that are gone, then what they left behind, and no others', async () => {
  const publisher = new Publisher(plane.broker, STREAM);
  const { seq } = await publisher.publish('webhook.delivery.fresh.3', [], Buffer.from('x'));
  const name = `app${(last += 1)}`;
  const keyOf = (of: string, at: string): string => suspectKey(of, `${STREAM}@2026-11-22T10:00:00Z:${at}`);
  const [there, onPage, gone] = [keyOf(name, `${seq}`), keyOf(name, `${seq}-7`), keyOf(name, `${seq + 1_000}`)];
  const ofAnother = keyOf('other', `${seq + 1_000}`);
  for (const key of [there, onPage, gone, ofAnother]) await keys.put(key, '{}');
  expect(await sweepLitter(plane.broker, name)).toBe(1);
  expect([await keys.read(gone), (await keys.read(there))?.value, (await keys.read(onPage))?.value]).toEqual([undefined, '{}', '{}']);
  await keys.put('newer', '{}');
  expect([await sweepLitter(plane.broker, name), await sweepLitter(plane.broker, name)]).toEqual([1, 0]);
  expect((await keys.read(ofAnother))?.value).toBe('{}');
});

it.each([
  ['of a page: is buried at once when the page comes again', 7, 2],
  ['of a message by itself: nothing of it is left', undefined, 1],
] as const)('what was buried, %s', async (_what, place, burials) => {
  const { suspects, name, buried } = app();
  const poison = new Message(3, place);
  await leave(name, poison, { is: 'resting', crashes: 3 });
  let worked = 0;
  const run = async (): Promise<Left> => {
    worked += 1;
    poison.remove();
    return undefined;
  };
  await suspects.work(poison, run);
  expect([buried.length, (await markerOf(name, poison))?.crashes]).toEqual([1, place === undefined ? undefined : 3]);
  // another of the page ended its worker before it was removed
  poison.removed = false;
  await suspects.work(poison, run);
  expect([buried.length, worked]).toEqual([burials, 2 - burials]);
});

it('lets nobody else begin while one is worked alone, for as long as that is quick', async () => {
  const { suspects } = app();
  const message = new Message();
  const end = Promise.withResolvers<void>();
  const begun = Promise.withResolvers<void>();
  const working = suspects.work(message, async () => {
    begun.resolve();
    await end.promise;
    message.remove();
  });
  await begun.promise;
  expect(suspects.turnstile.isOpen).toBe(false);
  // it waits for something: 250 ms later others begin beside it, and another suspect too
  await eventually(() => expect(suspects.turnstile.isOpen).toBe(true));
  const second = new Message();
  await suspects.work(second, removes(second));
  expect([second.removed, message.removed]).toEqual([true, false]);
  end.resolve();
  await working;
});

it('charges with a crash who is found worked alone, and buries it after three, never its neighbours', async () => {
  const { suspects, name, buried } = app();
  const [poison, neighbour] = [new Message(), new Message()];
  let worked = 0;
  for (let crash = 1; crash <= 3; crash += 1) {
    // as a process leaves it that is killed while it works it
    const key = suspectKey(name, poison.origin);
    const found = await markerOf(name, poison);
    await keys.put(key, JSON.stringify({ ...(found ?? { origin: poison.origin, crashes: 0, throws: 0 }), is: 'alone' }));
    if (crash === 3) break;
    await suspects.work(poison, async () => {
      worked += 1;
      poison.mine = false; // gone before it can say a word
      throw new Error('killed');
    });
    expect(await markerOf(name, poison)).toMatchObject({ is: 'alone', crashes: crash });
    poison.mine = true;
  }
  await suspects.work(neighbour, removes(neighbour));
  await suspects.work(poison, async () => void (worked += 1));
  expect([worked, buried, neighbour.removed]).toEqual([2, [{ sequence: poison.sequence, reason: 'poison', blind: false }], true]);
  expect([await markerOf(name, poison), suspects.buried]).toEqual([undefined, new Map([['poison', 1]])]);
});

it('works those that are charged after the others', async () => {
  const { suspects, name } = app();
  const charged = new Message();
  const others = [new Message(), new Message()];
  await leave(name, charged, { crashes: 1 });
  const order: number[] = [];
  await Promise.all([charged, ...others].map((message) => suspects.work(message, async () => {
    order.push(message.sequence);
    message.remove();
  })));
  expect(order).toEqual([...others.map(({ sequence }) => sequence), charged.sequence]);
});

const throws = async (): Promise<Left> => {
  throw new TypeError('its own');
};

it('buries who throws an error of its own three times, also when it was no suspect at first', async () => {
  const { suspects, name, buried } = app();
  const message = new Message(1);
  expect(suspects.includes(message, undefined)).toBe(false);
  await suspects.threw(message, new TypeError('its own'));
  expect([suspects.includes(message, undefined), await markerOf(name, message)]).toMatchObject([true, { is: 'resting', throws: 1 }]);
  await suspects.work(message, throws);
  expect([message.removed, await markerOf(name, message)]).toMatchObject([false, { throws: 2 }]);
  await suspects.work(message, throws);
  expect(buried).toEqual([{ sequence: message.sequence, reason: 'internal', blind: false }]);
  expect([suspects.includes(message, undefined), await markerOf(name, message)]).toEqual([false, undefined]);
});

it('never buries who fails for what passes, and does not suspect it for coming again', async () => {
  const { suspects, name, buried, thrown } = app();
  thrown.as = 'passing';
  const often = Array.from({ length: 12 }, (_, n) => new Message(n + 1));
  for (const message of often) {
    Object.defineProperty(message, 'sequence', { value: 4_711 });
    expect(suspects.includes(message, undefined)).toBe(false);
    await suspects.threw(message, new Error('the broker is away'));
  }
  expect([buried, await markerOf(name, often[0] as Message)]).toEqual([[], undefined]);
  // the same count in a process that knows nothing of it
  expect(app().suspects.includes(often[11] as Message, undefined)).toBe(true);
});

it('buries at once what cannot be read', async () => {
  const { suspects, buried, thrown } = app();
  thrown.as = 'unreadable';
  const message = new Message(1);
  await suspects.threw(message, new Error('without a header'));
  expect(buried).toEqual([{ sequence: message.sequence, reason: 'unreadable', blind: false }]);
});

it('tries again what could not be buried, without working it', async () => {
  const { suspects, name, buried, burial } = app();
  const message = new Message();
  await leave(name, message, { is: 'resting', crashes: 3 });
  burial.fails = true;
  let worked = false;
  const work = async (): Promise<void> => void (worked = true);
  await suspects.work(message, work);
  expect([message.removed, await markerOf(name, message)]).toMatchObject([false, { is: 'resting', crashes: 3 }]);
  burial.fails = false;
  await suspects.work(message, work);
  expect([worked, buried.length, await markerOf(name, message)]).toEqual([false, 1, undefined]);
});

it('does not work what is somebody else’s by now, and leaves what waits where it waits when it is closed', async () => {
  const { suspects, name } = app(ALWAYS_ALONE_MS);
  const lost = new Message();
  lost.mine = false;
  let worked = 0;
  await suspects.work(lost, async () => void (worked += 1));
  const end = Promise.withResolvers<void>();
  const [first, second] = [new Message(), new Message()];
  const working = suspects.work(first, () => end.promise.then(() => first.remove()));
  const waiting = suspects.work(second, async () => void (worked += 1));
  await eventually(() => expect(suspects.worked).toBe(1));
  suspects.close();
  await waiting;
  end.resolve();
  await working;
  // what was under way is noted to its end, or it would look like a crash
  expect([worked, await markerOf(name, first), await markerOf(name, second)]).toEqual([0, undefined, undefined]);
});
