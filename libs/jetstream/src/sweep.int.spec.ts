import { durableName, filterOf, queueRow } from '@spillway/topology';
import { eventually } from '@spillway/testing';
import { jest } from '@jest/globals';
import type { Broker } from './broker.ts';
import type { WaitingMessage } from './waiting-message.ts';
import { DurableWork } from './durable-work.ts';
import { PageNotes } from './page-notes.ts';
import { Publisher } from './publisher.ts';
import { Sweep } from './sweep.ts';
import { RecentlySettled } from './recently-settled.ts';
import { startPlaneBroker, testLog, type PlaneBroker } from './testing/index.ts';

const STREAM = 'WEBHOOK_INGEST';

let plane: PlaneBroker;
const ends: (() => void)[] = [];
beforeEach(async () => {
  plane = await startPlaneBroker();
});
afterEach(async () => {
  ends.splice(0).forEach((end) => end());
  await plane.stop();
});

const sweepOn = (broker: Broker): Sweep => new Sweep({ broker, stream: STREAM, durable: durableName('dedupe-fresh'), filter: filterOf(queueRow('dedupe-fresh')), log: testLog });
/** A replica of dedupe: takes, acks at once unless told otherwise, and sweeps behind, as long as it is not told to sweep only at its end. */
const work = async (take: (message: WaitingMessage) => Promise<void> = async (message) => message.remove(), { sweeps = true } = {}) => {
  const broker = await plane.connect();
  const sweep = sweepOn(broker);
  const durable = new DurableWork({ broker, stream: STREAM, durable: durableName('dedupe-fresh'), world: 'w', settled: new RecentlySettled(), room: (held) => 200 - held, mayAct: () => true, take, onSettled: () => sweep.settled(), brokerNowMs: () => 0, notes: new PageNotes(broker, 'dedupe', 'test', testLog), log: testLog });
  const swept = sweep.with(durable);
  const beat = setInterval(() => (sweeps ? swept : durable).tick(performance.now()), 10);
  ends.push(() => {
    clearInterval(beat);
    swept.abandon();
  });
  return { broker, swept };
};
const send = async (count: number, subject = 'webhook.ingest.fresh.acme'): Promise<void> => {
  const publisher = new Publisher(plane.broker, STREAM);
  await Promise.all(Array.from({ length: count }, () => publisher.publish(subject, [], Buffer.from('{}'))));
};
const everythingAcked = (): Promise<void> => eventually(async () => expect(await plane.broker.api(`CONSUMER.INFO.${STREAM}.dedupe-fresh`)).toMatchObject({ num_pending: 0, num_ack_pending: 0 }));
const stored = async (): Promise<number> => (await plane.broker.api<{ state: { messages: number } }>(`STREAM.INFO.${STREAM}`)).state.messages;

it('removes what is settled, and nothing of the other lanes', async () => {
  await send(50, 'webhook.ingest.bulk.acme');
  await send(500);
  await work();
  await eventually(async () => expect(await stored()).toBe(50));
});

it('removes nothing at or above what is not settled', async () => {
  const held: WaitingMessage[] = [];
  await work(async (message) => {
    if (message.sequence === 20) {
      held.push(message);
      await new Promise(() => undefined);
    }
    message.remove();
  });
  await send(100);
  await eventually(async () => expect(await stored()).toBe(81));
  held[0]?.remove();
  await eventually(async () => expect(await stored()).toBe(0));
});

it('may be done by several replicas at once', async () => {
  const taken: number[] = [];
  const take = async (message: WaitingMessage): Promise<void> => {
    taken.push(message.sequence);
    message.remove();
  };
  await Promise.all([work(take), work(take)]);
  for (let round = 0; round < 20; round += 1) await send(100);
  await eventually(async () => expect([taken.length, await stored()]).toEqual([2_000, 0]));
  expect(new Set(taken).size).toBe(2_000);
});

it('removes what a predecessor left, though nothing is settled any more', async () => {
  const { swept, broker } = await work();
  jest.spyOn(broker, 'api').mockImplementation(() => new Promise(() => undefined)); // acks, and dies before it sweeps
  await send(10);
  await everythingAcked();
  swept.abandon();
  expect(await stored()).toBe(10);
  await work();
  await eventually(async () => expect(await stored()).toBe(0));
});

it('sweeps a last time when its work is drained', async () => {
  const { swept } = await work(undefined, { sweeps: false });
  await send(10);
  await everythingAcked();
  expect(await stored()).toBe(10);
  await swept.drain();
  expect(await stored()).toBe(0);
});

it('looks again while the server has not counted an ack that was sent', async () => {
  const sent: WaitingMessage[] = [];
  const { broker } = await work(async (message) => {
    sent.push(message);
    await new Promise(() => undefined);
  });
  const asked = jest.spyOn(broker, 'api');
  await send(1);
  // a sweep every half second: by the fourth, whatever was settled was settled long before
  await eventually(() => expect([sent.length, asked.mock.calls.length >= 4]).toEqual([1, true]));
  sent[0]?.remove();
  await eventually(async () => expect(await stored()).toBe(0));
});

it('asks the broker nothing while nothing is settled', async () => {
  const { broker } = await work();
  await send(10);
  await eventually(async () => expect(await stored()).toBe(0));
  const asked = jest.spyOn(broker, 'api');
  const sweep = sweepOn(broker);
  // a sweep that found nothing new a while after the last ack is the last one
  const now = performance.now();
  for (let ms = 0; ms < 60_000; ms += 250) {
    sweep.tick(now + ms);
    await new Promise((resolve) => setImmediate(resolve));
  }
  await sweep.finish();
  expect(asked.mock.calls.length).toBeLessThanOrEqual(3);
});

it('goes on after a broker that died', async () => {
  await work();
  await send(50);
  await plane.server.kill();
  await plane.server.restart();
  await eventually(() => send(50));
  await eventually(async () => expect(await stored()).toBe(0));
});
