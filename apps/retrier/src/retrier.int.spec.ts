import 'reflect-metadata';
import { deliveryHeaders, header, switchKey, type DeliveryMeta, type Fact, type RetrySwitch, type SwitchScope } from '@spillway/contracts';
import { EndpointRegistry, EndpointStore, newMasterKey, parseMasterKeys, type EndpointDraft, type EndpointRecord } from '@spillway/endpoints';
import { Publisher, RawHeaders, WatchedBucket } from '@spillway/jetstream';
import { startPlaneBroker, testLog, type PlaneBroker } from '@spillway/jetstream/testing';
import { loadConfig, serve, type Serving } from '@spillway/service-kit';
import { newSecret } from '@spillway/standard-webhooks';
import { eventually, startReceiver, type Receiver, type ReceiverHandler } from '@spillway/testing';
import { readParked, readRetryAt, shardOf, subject } from '@spillway/topology';
import { Webhook } from 'standardwebhooks';
import { retrier, RetrierConfig } from './retrier.ts';

const masterKey = newMasterKey();
let plane: PlaneBroker;
let registry: EndpointRegistry;
let control: WatchedBucket;
let store: EndpointStore;
let serving: Serving;
let calendar: Publisher;
const receivers: Receiver[] = [];
beforeAll(async () => {
  plane = await startPlaneBroker();
  registry = await EndpointRegistry.open(plane.broker, { log: testLog });
  control = await WatchedBucket.open(plane.broker, 'webhook_control', { log: testLog });
  await registry.bucket.whenReady();
  store = new EndpointStore(registry, { masterKeys: parseMasterKeys(masterKey) });
  calendar = new Publisher(plane.broker, 'WEBHOOK_RETRY');
  serving = await start();
});

const start = async (): Promise<Serving> => {
  const environment = {
    NATS_URL: plane.url,
    SPILLWAY_WORLDS_FILE: plane.worldsFile,
    SPILLWAY_MASTER_KEY: masterKey,
    SPILLWAY_ALLOW_NETWORKS: '127.0.0.0/8',
    SPILLWAY_PORT_BASE: '0',
    SPILLWAY_LOG_LEVEL: 'fatal',
  };
  return serve(await retrier(loadConfig(RetrierConfig, environment)));
};
afterEach(async () => {
  for (const key of [switchKey({}), switchKey({ tenant: 'acme' })]) await control.remove(key);
  for (const stream of ['WEBHOOK_RETRY', 'WEBHOOK_PARKED']) await plane.broker.api(`STREAM.PURGE.${stream}`);
});
afterAll(async () => {
  await serving.stop();
  for (const receiver of receivers) await receiver.stop();
  registry.close();
  control.close();
  await plane.stop();
});

const receiverThat = async (handler: ReceiverHandler = () => 200): Promise<Receiver> => {
  const receiver = await startReceiver(handler);
  receivers.push(receiver);
  return receiver;
};
const secrets = new Map<string, string>();
const endpointAt = async (url: string, draft: Partial<EndpointDraft> = {}, tenant = 'acme'): Promise<EndpointRecord> => {
  const secret = newSecret();
  const record = await store.create(tenant, { url, enabled: true, ...draft }, secret);
  secrets.set(record.id, secret);
  return record;
};

let made = 0;
/** As a dispatcher would, after a failure. */
const owe = async ({ id: endpointId, tenant }: EndpointRecord, dueAt: Date, attempt = 2): Promise<DeliveryMeta> => {
  const eventId = `evt_${String((made += 1)).padStart(20, '0')}`;
  const meta: DeliveryMeta = { eventId, tenant, type: 'invoice.paid', source: `/tenants/${tenant}`, acceptedAt: new Date(Date.now() - 5_000).toISOString(), endpointId, attempt, dueAt: dueAt.toISOString() };
  await calendar.publish(subject.retryAt(shardOf(endpointId), dueAt), [...deliveryHeaders(meta), [header.messageId, `TEST@t0:${made}`]], Buffer.from(`{"type":"invoice.paid","timestamp":"${meta.acceptedAt}","data":{"n":${made}}}`));
  return meta;
};
const inMs = (ms: number): Date => new Date(Math.ceil((Date.now() + ms) / 1_000) * 1_000);

type Kept = { subject: string; headers: RawHeaders; data: string };
const everythingIn = async (stream: string): Promise<Kept[]> => {
  const { state } = await plane.broker.api<{ state: { first_seq: number; last_seq: number; messages: number } }>(`STREAM.INFO.${stream}`);
  const kept: Kept[] = [];
  for (let seq = Math.max(1, state.first_seq); seq <= state.last_seq && state.messages > 0; seq += 1) {
    const answer = await plane.broker.api<{ message: { subject: string; data?: string; hdrs?: string } }>(`STREAM.MSG.GET.${stream}`, { seq }).catch(() => undefined);
    if (!answer) continue;
    const { message } = answer;
    kept.push({ subject: message.subject, headers: new RawHeaders(Buffer.from(message.hdrs ?? '', 'base64')), data: Buffer.from(message.data ?? '', 'base64').toString() });
  }
  return kept;
};
const left = async (stream: string): Promise<number> => (await plane.broker.api<{ state: { messages: number } }>(`STREAM.INFO.${stream}`)).state.messages;
const factsOf = async (event: string): Promise<Fact[]> =>
  (await everythingIn('WEBHOOK_LEDGER')).flatMap(({ data }) => data.split('\n').map((line) => JSON.parse(line) as Fact)).filter((fact) => 'event' in fact && fact.event === event);
const passed = (ms: number): Promise<void> => {
  const until = performance.now() + ms;
  return eventually(() => {
    if (performance.now() < until) throw new Error('not yet');
  });
};

describe('the calendar', () => {
  it('is worked when its time has come, not before, with the same id and a signature of its own', async () => {
    const receiver = await receiverThat();
    const record = await endpointAt(receiver.url);
    const dueAt = inMs(3_000);
    const meta = await owe(record, dueAt);
    await eventually(() => expect(receiver.requests).toHaveLength(1));
    const [request] = receiver.requests;
    expect(request?.at).toBeGreaterThanOrEqual(dueAt.getTime());
    expect((request?.at ?? 0) - dueAt.getTime()).toBeLessThan(5_000);
    expect(request?.headers['webhook-id']).toBe(meta.eventId);
    expect(() => new Webhook(secrets.get(record.id) ?? '').verify(request?.body.toString() ?? '', request?.headers as Record<string, string>)).not.toThrow();
    await eventually(async () => expect(await factsOf(meta.eventId)).toMatchObject([{ type: 'attempt.succeeded', attempt: 2, app: 'retrier' }]));
    await eventually(async () => expect(await left('WEBHOOK_RETRY')).toBe(0));
  });

  it('is gone on with: a second failure waits for the third attempt, in a later bucket', async () => {
    const receiver = await receiverThat(() => 503);
    const record = await endpointAt(receiver.url);
    const meta = await owe(record, inMs(-1_000));
    await eventually(async () => expect(await factsOf(meta.eventId)).toMatchObject([{ type: 'attempt.failed', attempt: 2, status: 503, next: 'retry' }]));
    // the second one is removed from its bucket only after the third is stored and the fact is written
    const kept = await eventually(async () => {
      const [first, ...more] = await everythingIn('WEBHOOK_RETRY');
      expect(more).toEqual([]);
      return first;
    });
    expect(kept?.headers.get(header.attempt)).toBe('3');
    expect(readRetryAt(kept?.subject ?? '')?.dueAt.getTime()).toBeGreaterThan(Date.now() + 250_000);
  });

  it('is found whole after a takeover, however long ago it was due', async () => {
    const receiver = await receiverThat();
    const record = await endpointAt(receiver.url);
    await serving.stop();
    // neither in this hour's nor in the last one's buckets: only the listing of everything finds it
    await owe(record, new Date(Math.floor((Date.now() - 5 * 3_600_000) / 1_000) * 1_000));
    serving = await start();
    await eventually(() => expect(receiver.requests).toHaveLength(1));
  });

  it('paces a backlog, and loses nothing of it', async () => {
    const receiver = await receiverThat();
    const records = await Promise.all(Array.from({ length: 20 }, () => endpointAt(receiver.url)));
    await Promise.all(Array.from({ length: 2_000 }, (_, n) => owe(records[n % 20] as EndpointRecord, inMs(-10_000 - (n % 7) * 1_000))));
    await eventually(() => expect(receiver.requests).toHaveLength(2_000), 60_000);
    await eventually(async () => expect(await left('WEBHOOK_RETRY')).toBe(0), 60_000);
    expect(new Set(receiver.requests.map(({ headers }) => headers['webhook-id'])).size).toBe(2_000);
  }, 130_000);
});

const set = (scope: SwitchScope, value: RetrySwitch): Promise<number> => control.put(switchKey(scope), JSON.stringify(value));
const suspended: RetrySwitch = { suspended: { by: 'test', at: '2026-01-01T00:00:00Z' } };

describe('suspended retries', () => {
  it('of all: nothing is moved, nothing is charged, and all goes on when they are resumed', async () => {
    const receiver = await receiverThat();
    const record = await endpointAt(receiver.url);
    await set({}, suspended);
    await passed(500);
    const meta = await owe(record, inMs(-1_000));
    await passed(2_500);
    expect([receiver.requests.length, await left('WEBHOOK_RETRY'), await factsOf(meta.eventId)]).toEqual([0, 1, []]);
    await control.remove(switchKey({}));
    await eventually(() => expect(receiver.requests).toHaveLength(1));
  });

  it('of one tenant: its neighbours’ go on from the same buckets', async () => {
    const receiver = await receiverThat();
    const neighbours = await receiverThat();
    await set({ tenant: 'acme' }, suspended);
    await passed(500);
    const mine = await endpointAt(receiver.url);
    // in the same shard, so in the same bucket behind three thousand of the suspended tenant's
    let other = await endpointAt(neighbours.url, {}, 'other');
    while (shardOf(other.id) !== shardOf(mine.id)) other = await endpointAt(neighbours.url, {}, 'other');
    const dueAt = inMs(-5_000);
    await Promise.all(Array.from({ length: 3_000 }, () => owe(mine, dueAt)));
    await Promise.all(Array.from({ length: 50 }, () => owe(other, dueAt)));
    await eventually(() => expect(neighbours.requests).toHaveLength(50), 60_000);
    expect(receiver.requests).toHaveLength(0);
    await eventually(async () => expect(await left('WEBHOOK_RETRY')).toBe(3_000));
    await control.remove(switchKey({ tenant: 'acme' }));
    await eventually(() => expect(receiver.requests).toHaveLength(3_000), 60_000);
    await eventually(async () => expect(await left('WEBHOOK_RETRY')).toBe(0), 60_000);
  }, 200_000);

  it('throttled ones come at that pace and wait in PARKED', async () => {
    const receiver = await receiverThat();
    const record = await endpointAt(receiver.url);
    await set({ tenant: 'acme' }, { throttled: { perSecond: 4, by: 'test', at: '2026-01-01T00:00:00Z' } });
    await passed(500);
    await Promise.all(Array.from({ length: 12 }, () => owe(record, inMs(-1_000))));
    await eventually(() => expect(receiver.requests).toHaveLength(12), 60_000);
    const times = receiver.requests.map(({ at }) => at).toSorted((a, b) => a - b);
    // a request of the second before may arrive late, so that a window of a second holds one more; twelve without a pace would be one window
    for (const [n, at] of times.entries()) expect(times.filter((other, m) => m >= n && other - at < 950).length).toBeLessThanOrEqual(5);
    expect((times.at(-1) ?? 0) - (times[0] ?? 0)).toBeGreaterThan(1_500);
  }, 90_000);

  it('go on at their pace in a retrier that is started while they are throttled, and owns nothing yet', async () => {
    const receiver = await receiverThat();
    const record = await endpointAt(receiver.url);
    await set({ tenant: 'acme' }, { throttled: { perSecond: 40, by: 'test', at: '2026-01-01T00:00:00Z' } });
    await serving.stop();
    serving = await start();
    // a second and a half; at the part of who owns nothing (a 64th) it would be a minute and a half
    await Promise.all(Array.from({ length: 60 }, () => owe(record, inMs(-1_000))));
    await eventually(() => expect(receiver.requests).toHaveLength(60), 60_000);
  }, 90_000);
});

it('parks the later attempts of an endpoint that has one home, for the dispatcher', async () => {
  const receiver = await receiverThat();
  const record = await endpointAt(receiver.url, { ratePerSecond: 5 });
  await owe(record, inMs(-1_000));
  await eventually(async () => expect((await everythingIn('WEBHOOK_PARKED')).map(({ subject: on }) => readParked(on))).toMatchObject([{ kind: 'later', endpointId: record.id }]));
  expect(receiver.requests).toHaveLength(0);
});
