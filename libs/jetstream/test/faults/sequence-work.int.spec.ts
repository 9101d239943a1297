import { eventually } from '@spillway/testing';
import { durableName } from '@spillway/topology';
import type { Broker } from '../../src/broker.ts';
import type { DurableMessage } from '../../src/durable-message.ts';
import { Publisher } from '../../src/publisher.ts';
import { RecentlySettled } from '../../src/recently-settled.ts';
import { SequenceWork } from '../../src/sequence-work.ts';
import { startPlaneBroker, testLog, type PlaneBroker } from '../../src/testing/index.ts';

const STREAM = 'WEBHOOK_INGEST';
const DURABLE = durableName('dedupe-ordered');
const BATCH = 128;
const ACK_WAIT_MS = 5_000;
const RESTS_MS = ACK_WAIT_MS + 500;

let plane: PlaneBroker;
const stops: (() => void)[] = [];
beforeEach(async () => {
  plane = await startPlaneBroker();
}, 60_000);
afterEach(async () => {
  for (const stop of stops.splice(0)) stop();
  await plane.stop();
}, 60_000);

type Taken = Parameters<ConstructorParameters<typeof SequenceWork>[0]['take']>[0];
type Holder = { work: SequenceWork; lease: { held: boolean }; freeze: () => void };
const hold = (take: (message: Taken & { passOn?: () => void }) => Promise<void>, broker: Broker = plane.broker): Holder => {
  const lease = { held: true };
  const work = new SequenceWork({
    broker,
    stream: STREAM,
    durable: DURABLE,
    world: `${STREAM}@t0`,
    batch: BATCH,
    ackWaitMs: ACK_WAIT_MS,
    settled: new RecentlySettled(),
    mayAct: () => lease.held,
    mayTake: () => true,
    take,
    onSettled: () => undefined,
    log: testLog,
  });
  const beat = setInterval(() => work.tick(performance.now()), 10);
  stops.push(() => {
    clearInterval(beat);
    work.abandon();
  });
  return { work, lease, freeze: () => clearInterval(beat) };
};

const text = ({ data }: DurableMessage): string => Buffer.from(data).toString();
const send = async (count: number, { from = 0, tenant = 'acme' } = {}): Promise<void> => {
  const publisher = new Publisher(plane.broker, STREAM);
  for (let n = from; n < from + count; n += 1) await publisher.publish(`webhook.ingest.ordered.${tenant}`, [], Buffer.from(`${tenant} ${n}`));
};
const inOrder = (count: number, tenant = 'acme'): string[] => Array.from({ length: count }, (_, n) => `${tenant} ${n}`);
const first = (seen: readonly string[]): string[] => [...new Set(seen)];
const unsettled = async (): Promise<number> => (await plane.broker.api<{ num_ack_pending: number }>(`CONSUMER.INFO.${STREAM}.${DURABLE}`)).num_ack_pending;

it('hands out in the order of the stream, one of a subject at a time, and asks for nothing before ack_wait is over', async () => {
  await send(300);
  const seen: string[] = [];
  const startedAt = performance.now();
  let startedWorkAt = 0;
  let under = 0;
  let most = 0;
  hold(async (message) => {
    startedWorkAt ||= performance.now();
    most = Math.max(most, (under += 1));
    await new Promise((resolve) => setImmediate(resolve));
    under -= 1;
    seen.push(text(message));
    message.remove();
  });
  await eventually(() => expect(seen).toHaveLength(300), 60_000);
  expect(seen).toEqual(inOrder(300));
  expect([most, startedWorkAt - startedAt >= RESTS_MS]).toEqual([1, true]);
});

it('lets one subject wait for itself only', async () => {
  const seen: string[] = [];
  const end = Promise.withResolvers<void>();
  await send(2, { tenant: 'slow' });
  await send(5, { tenant: 'quick' });
  hold(async (message) => {
    if (text(message) === 'slow 0') await end.promise;
    seen.push(text(message));
    message.remove();
  });
  await eventually(() => expect(seen).toEqual(inOrder(5, 'quick')));
  end.resolve();
  await eventually(() => expect(seen.slice(5)).toEqual(['slow 0', 'slow 1']));
});

it('goes on as soon as a message says so, and removes it when it is settled', async () => {
  await send(3);
  const begun: string[] = [];
  const end = Promise.withResolvers<void>();
  hold(async (message) => {
    begun.push(text(message));
    message.passOn?.();
    await end.promise;
    message.remove();
  });
  await eventually(() => expect(begun).toEqual(inOrder(3)));
  expect(await unsettled()).toBe(3);
  end.resolve();
  await eventually(async () => expect(await unsettled()).toBe(0));
});

it('holds what follows a message that was not settled, until that one is', async () => {
  await send(50);
  const seen: string[] = [];
  let failures = 0;
  hold(async (message) => {
    if (text(message) === 'acme 10' && failures < 2) {
      failures += 1;
      return;
    }
    seen.push(text(message));
    message.remove();
  });
  await eventually(() => expect(seen).toHaveLength(50), 60_000);
  expect([seen, failures]).toEqual([inOrder(50), 2]);
}, 90_000);

it('keeps the order when its holder is frozen with messages in hand and another takes over', async () => {
  await send(200);
  const seen: string[] = [];
  const stuck = Promise.withResolvers<void>();
  const old = hold(async (message) => {
    if (seen.length === 37) await stuck.promise;
    if (!message.owned()) return;
    seen.push(text(message));
    message.remove();
  }, await plane.connect());
  await eventually(() => expect(seen).toHaveLength(37));
  old.freeze(); // it renews nothing and says nothing of what it holds; its open pull goes on receiving
  await send(100, { from: 200 });
  old.lease.held = false;
  hold(async (message) => {
    seen.push(text(message));
    message.remove();
  });
  await eventually(() => expect(first(seen)).toHaveLength(300), 60_000);
  stuck.resolve();
  expect(first(seen)).toEqual(inOrder(300));
}, 90_000);

it('keeps the order over a killed broker, and works nothing twice that it has settled', async () => {
  await send(400);
  const seen: string[] = [];
  hold(async (message) => {
    await new Promise((resolve) => setTimeout(resolve, 2));
    seen.push(text(message));
    message.remove();
  });
  await eventually(() => expect(seen.length).toBeGreaterThan(100));
  await plane.server.restart();
  await eventually(() => expect(first(seen)).toHaveLength(400), 60_000);
  expect(seen).toEqual(inOrder(400));
  await eventually(async () => expect(await unsettled()).toBe(0));
}, 120_000);

it('gives back what it has not begun when it is told to stop', async () => {
  await send(20);
  const seen: string[] = [];
  const end = Promise.withResolvers<void>();
  const { work } = hold(async (message) => {
    if (seen.length === 3) await end.promise;
    seen.push(text(message));
    message.remove();
  });
  await eventually(() => expect(seen).toHaveLength(3));
  const drained = work.drain();
  end.resolve();
  await drained;
  expect(seen).toEqual(inOrder(4));
  hold(async (message) => {
    seen.push(text(message));
    message.remove();
  });
  await eventually(() => expect(seen).toEqual(inOrder(20)), 60_000);
}, 90_000);
