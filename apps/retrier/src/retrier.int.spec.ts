import 'reflect-metadata';
import { header, type RetrySwitch } from '@spillway/contracts';
import type { EndpointRecord } from '@spillway/endpoints';
import { newSecret } from '@spillway/standard-webhooks';
import { eventually } from '@spillway/testing';
import { readParked, readRetryAt, shardOf } from '@spillway/topology';
import { Webhook } from 'standardwebhooks';
import { Rig } from '../test/rig.ts';

let rig: Rig;
beforeAll(async () => {
  rig = await Rig.start();
  await rig.startRetrier();
}, 60_000);
afterEach(async () => {
  for (const scope of [{}, { tenant: 'acme' }]) await rig.unset(scope);
  for (const stream of ['WEBHOOK_RETRY', 'WEBHOOK_PARKED']) await rig.purge(stream);
});
afterAll(() => rig.stop(), 60_000);

const inMs = (ms: number): Date => new Date(Math.ceil((Date.now() + ms) / 1_000) * 1_000);
const passed = (ms: number): Promise<void> => {
  const until = performance.now() + ms;
  return eventually(() => {
    if (performance.now() < until) throw new Error('not yet');
  });
};

describe('the calendar', () => {
  it('is worked when its time has come, not before, with the same id and a signature of its own', async () => {
    const receiver = await rig.receiver();
    const secret = newSecret();
    const record = await rig.endpoint(receiver.url, {}, 'acme', secret);
    const dueAt = inMs(3_000);
    const meta = await rig.owe(record, dueAt);
    await eventually(() => expect(receiver.requests).toHaveLength(1));
    const [request] = receiver.requests;
    expect(request?.at).toBeGreaterThanOrEqual(dueAt.getTime());
    expect((request?.at ?? 0) - dueAt.getTime()).toBeLessThan(15_000); // by the listing of everything it would be found within a minute
    expect(request?.headers['webhook-id']).toBe(meta.eventId);
    expect(() => new Webhook(secret).verify(request?.body.toString() ?? '', request?.headers as Record<string, string>)).not.toThrow();
    await eventually(async () => expect(await rig.factsOf(meta)).toMatchObject([{ type: 'attempt.succeeded', attempt: 2, app: 'retrier' }]));
    await eventually(async () => expect(await rig.left('WEBHOOK_RETRY')).toBe(0));
  });

  it('is gone on with: a second failure waits for the third attempt, in a later bucket', async () => {
    const receiver = await rig.receiver(() => 503);
    const record = await rig.endpoint(receiver.url);
    const meta = await rig.owe(record, inMs(-1_000));
    await eventually(async () => expect(await rig.factsOf(meta)).toMatchObject([{ type: 'attempt.failed', attempt: 2, status: 503, next: 'retry' }]));
    // the second one is removed from its bucket only after the third is stored and the fact is written
    const kept = await eventually(async () => {
      const [first, ...more] = await rig.everythingIn('WEBHOOK_RETRY');
      expect(more).toEqual([]);
      return first;
    });
    expect(kept?.headers.get(header.attempt)).toBe('3');
    expect(readRetryAt(kept?.subject ?? '')?.dueAt.getTime()).toBeGreaterThan(Date.now() + 250_000);
  });

  it('is found whole after a takeover, however long ago it was due', async () => {
    const receiver = await rig.receiver();
    const record = await rig.endpoint(receiver.url);
    await rig.stopRetrier();
    // neither in this hour's nor in the last one's buckets: only the listing of everything finds it
    await rig.owe(record, new Date(Math.floor((Date.now() - 5 * 3_600_000) / 1_000) * 1_000));
    await rig.startRetrier();
    await eventually(() => expect(receiver.requests).toHaveLength(1));
  });

  it('paces a backlog, and loses nothing of it', async () => {
    const receiver = await rig.receiver();
    const records = await Promise.all(Array.from({ length: 20 }, () => rig.endpoint(receiver.url)));
    await Promise.all(Array.from({ length: 2_000 }, (_, n) => rig.owe(records[n % 20] as EndpointRecord, inMs(-10_000 - (n % 7) * 1_000))));
    await eventually(() => expect(receiver.requests).toHaveLength(2_000), 60_000);
    await eventually(async () => expect(await rig.left('WEBHOOK_RETRY')).toBe(0), 60_000);
    expect(new Set(receiver.requests.map(({ headers }) => headers['webhook-id'])).size).toBe(2_000);
  }, 130_000);
});

/** "Effective within two seconds": until then a retrier may not know of it. */
const EFFECTIVE_MS = 2_500;
const suspended: RetrySwitch = { suspended: { by: 'test', at: '2026-01-01T00:00:00Z' } };

describe('suspended retries', () => {
  it('of all: nothing is moved, nothing is charged, and all goes on when they are resumed', async () => {
    const receiver = await rig.receiver();
    const record = await rig.endpoint(receiver.url);
    await rig.set({}, suspended);
    await passed(EFFECTIVE_MS);
    const meta = await rig.owe(record, inMs(-1_000));
    await passed(2_500);
    expect([receiver.requests.length, await rig.left('WEBHOOK_RETRY'), await rig.factsOf(meta)]).toEqual([0, 1, []]);
    await rig.unset({});
    await eventually(() => expect(receiver.requests).toHaveLength(1));
  });

  it('of one tenant: its neighbours’ go on from the same buckets', async () => {
    const receiver = await rig.receiver();
    const neighbours = await rig.receiver();
    await rig.set({ tenant: 'acme' }, suspended);
    await passed(EFFECTIVE_MS);
    const mine = await rig.endpoint(receiver.url);
    // in the same shard, so in the same bucket behind three thousand of the suspended tenant's
    let other = await rig.endpoint(neighbours.url, {}, 'other');
    while (shardOf(other.id) !== shardOf(mine.id)) other = await rig.endpoint(neighbours.url, {}, 'other');
    const dueAt = inMs(-5_000);
    await Promise.all(Array.from({ length: 3_000 }, () => rig.owe(mine, dueAt)));
    await Promise.all(Array.from({ length: 50 }, () => rig.owe(other, dueAt)));
    await eventually(() => expect(neighbours.requests).toHaveLength(50), 60_000);
    expect(receiver.requests).toHaveLength(0);
    await eventually(async () => expect(await rig.left('WEBHOOK_RETRY')).toBe(3_000));
    await rig.unset({ tenant: 'acme' });
    await eventually(() => expect(receiver.requests).toHaveLength(3_000), 60_000);
    await eventually(async () => expect(await rig.left('WEBHOOK_RETRY')).toBe(0), 60_000);
  }, 200_000);

  it('throttled ones come at that pace and wait in PARKED', async () => {
    const receiver = await rig.receiver();
    const record = await rig.endpoint(receiver.url);
    await rig.set({ tenant: 'acme' }, { throttled: { perSecond: 4, by: 'test', at: '2026-01-01T00:00:00Z' } });
    await passed(EFFECTIVE_MS);
    await Promise.all(Array.from({ length: 24 }, () => rig.owe(record, inMs(-1_000))));
    await eventually(() => expect(receiver.requests).toHaveLength(24), 60_000);
    const times = receiver.requests.map(({ at }) => at);
    // five to six seconds apart; twenty-four without a pace come at once. What comes late narrows it by as much
    expect(Math.max(...times) - Math.min(...times)).toBeGreaterThan(2_500);
  }, 90_000);

  it('go on at their pace in a retrier that is started while they are throttled, and owns nothing yet', async () => {
    const receiver = await rig.receiver();
    const record = await rig.endpoint(receiver.url);
    await rig.set({ tenant: 'acme' }, { throttled: { perSecond: 40, by: 'test', at: '2026-01-01T00:00:00Z' } });
    await rig.stopRetrier();
    await rig.startRetrier();
    // a second and a half; at the part of who owns nothing (a 64th) it would be a minute and a half
    await Promise.all(Array.from({ length: 60 }, () => rig.owe(record, inMs(-1_000))));
    await eventually(() => expect(receiver.requests).toHaveLength(60), 60_000);
  }, 90_000);
});

it('parks the later attempts of an endpoint that has one home, for the dispatcher', async () => {
  const receiver = await rig.receiver();
  const record = await rig.endpoint(receiver.url, { ratePerSecond: 5 });
  await rig.owe(record, inMs(-1_000));
  await eventually(async () => expect((await rig.everythingIn('WEBHOOK_PARKED')).map(({ subject: on }) => readParked(on))).toMatchObject([{ kind: 'later', endpointId: record.id }]));
  expect(receiver.requests).toHaveLength(0);
});
