import 'reflect-metadata';
import { header } from '@spillway/contracts';
import { eventually } from '@spillway/testing';
import { shardOf, subject } from '@spillway/topology';
import { Rig, type Accepted } from '../test/rig.ts';

let rig: Rig;
beforeEach(async () => {
  rig = await Rig.start();
}, 60_000);
afterEach(() => rig.stop(), 60_000);

type Consumer = { num_pending: number; num_ack_pending: number };
const waitingInBulk = async (): Promise<number> => {
  const { num_pending: pending, num_ack_pending: held } = await rig.plane.broker.api<Consumer>('CONSUMER.INFO.WEBHOOK_INGEST.dedupe-bulk');
  return pending + held;
};
const inLane = async (lane: 'fresh' | 'bulk'): Promise<number> => {
  const { state } = await rig.plane.broker.api<{ state: { subjects?: Record<string, number> } }>('STREAM.INFO.WEBHOOK_DELIVERY', { subjects_filter: `webhook.delivery.${lane}.*` });
  return Object.values(state.subjects ?? {}).reduce((sum, count) => sum + count, 0);
};
const bytes = async (): Promise<number> => (await rig.plane.broker.api<{ state: { bytes: number } }>('STREAM.INFO.WEBHOOK_DELIVERY')).state.bytes;

/** One alone tells little: a busy machine holds it up, and a timer counts from the beginning of a turn of the loop, which may have been held up itself. */
const median = (of: readonly number[]): number => of.toSorted((a, b) => a - b)[of.length >> 1] as number;
/** The broker's own time of what it stored last, whether that is still there or not. */
const storedAtMs = async (stream: string): Promise<number> => Date.parse((await rig.plane.broker.api<{ state: { last_ts: string } }>(`STREAM.INFO.${stream}`)).state.last_ts);

/** From acceptance to DELIVERY, one event after the other: milliseconds, and how many of bulk went by. */
const freshOnes = async (count: number, from: string): Promise<{ tookMs: number; passedBy: number }[]> => {
  const took: { tookMs: number; passedBy: number }[] = [];
  for (let n = 0; n < count; n += 1) {
    const [fresh, bulk] = [await inLane('fresh'), await inLane('bulk')];
    const startedAt = performance.now();
    await rig.accept(`${from}${n}`, { tenant: 'other' });
    await eventually(async () => expect(await inLane('fresh')).toBe(fresh + 1));
    took.push({ tookMs: performance.now() - startedAt, passedBy: (await inLane('bulk')) - bulk });
  }
  return took.toSorted((a, b) => a.tookMs - b.tookMs);
};

/** It has written something, and for a second nothing more: several readings long. */
const stopped = async (): Promise<number> => {
  const seen = { count: 0, since: performance.now() };
  await eventually(async () => {
    const count = await inLane('bulk');
    if (count !== seen.count) Object.assign(seen, { count, since: performance.now() });
    expect([seen.count > 50, performance.now() - seen.since > 1_000, await rig.metric('spillway_bulk_moving')]).toEqual([true, true, 0]);
  });
  return seen.count;
};

it('an event in bulk goes on in bulk, with the job and the endpoint it names', async () => {
  const one = await rig.endpoint();
  await rig.endpoint();
  await rig.startDedupe();
  const event = await rig.accept('a', { lane: 'bulk', job: 'job_1', endpointId: one.id });
  await rig.untilSettled(event);
  const [kept, ...others] = await rig.everythingIn('WEBHOOK_DELIVERY');
  expect(others).toEqual([]);
  expect(kept?.subject).toBe(subject.delivery('bulk', shardOf(one.id)));
  expect([kept?.headers.get(header.messageId), kept?.headers.get(header.job)]).toEqual([`job_1:${event.id}:${one.id}`, 'job_1']);
});

describe('company (ADR 0019)', () => {
  // BULK_LINGER waits 50 ms; by the broker's clock a timer may go off a little early
  const LINGERED_MS = 45;
  const ROUNDS = 5;

  it('is what a lone event in bulk waits for before DELIVERY, and its fact before the ledger', async () => {
    await rig.endpoint();
    await rig.startDedupe();
    const events: Accepted[] = [];
    const waited: { beforeDeliveryMs: number; beforeLedgerMs: number }[] = [];
    for (let n = 0; n < ROUNDS; n += 1) {
      events.push(await rig.accept(`b${n}`, { lane: 'bulk' }));
      await rig.untilSettled(...events);
      const [accepted, delivered, told] = [await storedAtMs('WEBHOOK_INGEST'), await storedAtMs('WEBHOOK_DELIVERY'), await storedAtMs('WEBHOOK_LEDGER')];
      waited.push({ beforeDeliveryMs: delivered - accepted, beforeLedgerMs: told - delivered });
    }
    expect(median(waited.map(({ beforeDeliveryMs }) => beforeDeliveryMs))).toBeGreaterThanOrEqual(LINGERED_MS);
    expect(median(waited.map(({ beforeLedgerMs }) => beforeLedgerMs))).toBeGreaterThanOrEqual(LINGERED_MS);
    expect([await rig.left('WEBHOOK_DELIVERY'), await rig.left('WEBHOOK_LEDGER')]).toEqual([ROUNDS, ROUNDS]);
  });

  it('is nothing that fresh waits for: two, one after the other, overtake what was accepted before them in bulk', async () => {
    await rig.endpoint();
    await rig.startDedupe();
    // how full DELIVERY is was not read yet, and the first of bulk waits for that, too
    const events = [await rig.accept('first', { lane: 'bulk' })];
    await rig.untilSettled(...events);
    // where a machine is held up for longer than bulk waits they may not: then the next do
    await eventually(async () => {
      const n = await inLane('fresh');
      const inBulk = await rig.accept(`b${events.length}`, { lane: 'bulk' });
      events.push(inBulk);
      for (const more of [1, 2]) {
        events.push(await rig.accept(`f${events.length}`));
        await eventually(async () => expect(await inLane('fresh')).toBe(n + more));
      }
      await rig.untilSettled(...events);
      expect((await rig.everythingIn('WEBHOOK_DELIVERY')).at(-1)?.headers.get(header.eventId)).toBe(inBulk.id);
    }, 60_000);
  }, 150_000);
});

it('fresh never waits for the 50,000 that wait in bulk, and bulk drains all the while', async () => {
  await rig.endpoint();
  await rig.endpoint({}, 'other');
  for (let n = 0; n < 50_000; n += 5_000) await Promise.all(Array.from({ length: 5_000 }, (_, i) => rig.accept(`b${n + i}`, { lane: 'bulk' })));
  await rig.startDedupe();
  await eventually(async () => expect(await inLane('bulk')).toBeGreaterThan(0));
  const before = await waitingInBulk();
  const busy = await freshOnes(20, 'busy');
  const after = await waitingInBulk();
  process.stdout.write(`50,000 in bulk: fresh median ${busy[10]?.tookMs.toFixed(0)} ms, longest ${busy.at(-1)?.tookMs.toFixed(0)} ms, while bulk went from ${before} to ${after}\n`);
  expect(before).toBeGreaterThan(after);
  // by their numbers, since what else the machine does holds up both: behind what waits there it would be all of it
  expect(Math.max(...busy.map(({ passedBy }) => passedBy))).toBeLessThan(before / 2);
  await eventually(async () => expect(await waitingInBulk()).toBe(0), 120_000);
  expect([await inLane('bulk'), await inLane('fresh')]).toEqual([50_000, 20]);
}, 300_000);

describe('while DELIVERY is at 60 % of its bytes', () => {
  const MAX_BYTES = 400_000;
  const EVENTS = 1_000;

  it('bulk waits in INGEST, fresh goes on, and bulk goes on by itself when the limit is raised', async () => {
    await rig.endpoint();
    await rig.limit('WEBHOOK_DELIVERY', MAX_BYTES);
    await rig.startDedupe();
    await Promise.all(Array.from({ length: EVENTS }, (_, n) => rig.accept(`b${n}`, { lane: 'bulk' })));
    const stoppedAt = await stopped();
    // ours were counted as they went, so none is written above it but what was in hand
    expect((await bytes()) / MAX_BYTES).toBeLessThan(0.63);
    expect(await waitingInBulk()).toBe(EVENTS - stoppedAt);
    for (let n = 0; n < 20; n += 1) await rig.accept(`f${n}`);
    await eventually(async () => expect(await inLane('fresh')).toBe(20));
    expect([await inLane('bulk'), (await rig.readiness()).status]).toEqual([stoppedAt, 200]);
    await rig.limit('WEBHOOK_DELIVERY', 2 ** 26);
    await eventually(async () => expect(await inLane('bulk')).toBe(EVENTS), 60_000);
    await eventually(async () => expect(await rig.left('WEBHOOK_INGEST')).toBe(0));
    expect(await rig.settledSequences()).toEqual(Array.from({ length: EVENTS + 20 }, (_, n) => n + 1));
  }, 120_000);

  it('that is said where only fresh came, too, and said again once it is emptied', async () => {
    await rig.endpoint();
    await rig.limit('WEBHOOK_DELIVERY', MAX_BYTES);
    await rig.startDedupe();
    const said = async () => [(await rig.readiness()).checks['bulk']?.detail, await rig.metric('spillway_bulk_moving')];
    await eventually(async () => expect(await said()).toEqual([{ moving: true, bytes: 0, maxBytes: MAX_BYTES }, 1]));
    const data = `"${'x'.repeat(4_096)}"`;
    await rig.untilSettled(...(await Promise.all(Array.from({ length: 70 }, (_, n) => rig.accept(`f${n}`, { data })))));
    const full = await bytes();
    expect(full / MAX_BYTES).toBeGreaterThan(0.6);
    await eventually(async () => expect(await said()).toEqual([{ moving: false, bytes: full, maxBytes: MAX_BYTES }, 0]), 60_000);
    await rig.plane.broker.api('STREAM.PURGE.WEBHOOK_DELIVERY');
    await eventually(async () => expect(await said()).toEqual([{ moving: true, bytes: 0, maxBytes: MAX_BYTES }, 1]), 60_000);
  }, 150_000);

  it('and goes on as well when what was there is delivered', async () => {
    await rig.endpoint();
    await rig.limit('WEBHOOK_DELIVERY', MAX_BYTES);
    await rig.startDedupe();
    await Promise.all(Array.from({ length: EVENTS }, (_, n) => rig.accept(`b${n}`, { lane: 'bulk' })));
    await stopped();
    for (;;) {
      if ((await waitingInBulk()) === 0) break;
      await rig.plane.broker.api('STREAM.PURGE.WEBHOOK_DELIVERY');
      await eventually(async () => expect((await waitingInBulk()) === 0 || (await rig.metric('spillway_bulk_moving')) === 0).toBe(true));
    }
    expect(await rig.settledSequences()).toHaveLength(EVENTS);
  }, 120_000);

  it('a stop does not wait for room, and loses nothing', async () => {
    await rig.endpoint();
    await rig.limit('WEBHOOK_DELIVERY', MAX_BYTES);
    await rig.startDedupe();
    await Promise.all(Array.from({ length: EVENTS }, (_, n) => rig.accept(`b${n}`, { lane: 'bulk' })));
    await stopped();
    const startedAt = performance.now();
    await rig.stopDedupe();
    expect(performance.now() - startedAt).toBeLessThan(9_000); // waiting for room it would take the whole budget, 10 s
    await rig.limit('WEBHOOK_DELIVERY', 2 ** 26);
    await rig.startDedupe();
    await eventually(async () => expect(await waitingInBulk()).toBe(0), 60_000);
    expect([await inLane('bulk'), new Set(await rig.settledSequences()).size]).toEqual([EVENTS, EVENTS]);
  }, 120_000);
});
