import 'reflect-metadata';
import { deliveryHeaders, header, type DeliveryMeta, type EndpointsLearnt, type Fact } from '@spillway/contracts';
import { EndpointRegistry, EndpointStore, newMasterKey, parseMasterKeys, type EndpointDraft, type EndpointRecord } from '@spillway/endpoints';
import { askAll, Publisher, RawHeaders } from '@spillway/jetstream';
import { startPlaneBroker, testLog, type PlaneBroker } from '@spillway/jetstream/testing';
import { loadConfig, serve, type Serving } from '@spillway/service-kit';
import { newSecret } from '@spillway/standard-webhooks';
import { eventually, startReceiver, type Receiver, type ReceiverHandler } from '@spillway/testing';
import { readParked, readRetryAt, shardOf, subject } from '@spillway/topology';
import { Webhook } from 'standardwebhooks';
import { dispatcher, DispatcherConfig } from './dispatcher.ts';

const masterKey = newMasterKey();
let plane: PlaneBroker;
let registry: EndpointRegistry;
let store: EndpointStore;
let serving: Serving;
let delivery: Publisher;
const receivers: Receiver[] = [];
beforeAll(async () => {
  plane = await startPlaneBroker();
  registry = await EndpointRegistry.open(plane.broker, { log: testLog });
  await registry.bucket.whenReady();
  store = new EndpointStore(registry, { masterKeys: parseMasterKeys(masterKey) });
  delivery = new Publisher(plane.broker, 'WEBHOOK_DELIVERY');
  serving = await serve(await dispatcher(loadConfig(DispatcherConfig, environment())));
}, 60_000);
afterAll(async () => {
  await serving.stop();
  for (const receiver of receivers) await receiver.stop();
  registry.close();
  await plane.stop();
}, 60_000);

const environment = () => ({
  NATS_URL: plane.url,
  SPILLWAY_WORLDS_FILE: plane.worldsFile,
  SPILLWAY_MASTER_KEY: masterKey,
  SPILLWAY_ALLOW_NETWORKS: '127.0.0.0/8',
  SPILLWAY_PORT_BASE: '0',
  SPILLWAY_LOG_LEVEL: 'fatal',
});

const receiverThat = async (handler: ReceiverHandler): Promise<Receiver> => {
  const receiver = await startReceiver(handler);
  receivers.push(receiver);
  return receiver;
};

let made = 0;
const endpointAt = async (url: string, draft: Partial<EndpointDraft> = {}): Promise<{ record: EndpointRecord; secret: string }> => {
  const secret = newSecret();
  return { secret, record: await store.create('acme', { url, enabled: true, ...draft }, secret) };
};

/** As dedupe would: a message for its turn. */
const owe = async (endpointId: string, data = '{"n":1}', id = `evt_${String((made += 1)).padStart(20, '0')}`): Promise<DeliveryMeta> => {
  const meta: DeliveryMeta = { eventId: id, tenant: 'acme', type: 'invoice.paid', source: '/tenants/acme', acceptedAt: new Date().toISOString(), endpointId, attempt: 1 };
  await delivery.publish(subject.delivery('fresh', shardOf(endpointId)), [...deliveryHeaders(meta), [header.messageId, `${id}:${endpointId}`]], Buffer.from(`{"type":"invoice.paid","timestamp":"${meta.acceptedAt}","data":${data}}`));
  return meta;
};

type Kept = { subject: string; seq: number; headers: RawHeaders; data: string };
const everythingIn = async (stream: string): Promise<Kept[]> => {
  const { state } = await plane.broker.api<{ state: { first_seq: number; last_seq: number } }>(`STREAM.INFO.${stream}`);
  const kept: Kept[] = [];
  for (let seq = state.first_seq; seq <= state.last_seq; seq += 1) {
    const answer = await plane.broker.api<{ message: { subject: string; data?: string; hdrs?: string } }>(`STREAM.MSG.GET.${stream}`, { seq }).catch(() => undefined);
    if (!answer) continue; // removed in between
    const { message } = answer;
    kept.push({ seq, subject: message.subject, headers: new RawHeaders(Buffer.from(message.hdrs ?? '', 'base64')), data: Buffer.from(message.data ?? '', 'base64').toString() });
  }
  return kept;
};
const allFacts = async (): Promise<Fact[]> => (await everythingIn('WEBHOOK_LEDGER')).flatMap(({ data }) => data.split('\n').map((line) => JSON.parse(line) as Fact));
const factsOf = async (event: string): Promise<Fact[]> => (await allFacts()).filter((fact) => 'event' in fact && fact.event === event);
const left = async (stream: string): Promise<number> => (await plane.broker.api<{ state: { messages: number } }>(`STREAM.INFO.${stream}`)).state.messages;

describe('a first attempt', () => {
  it('is signed so that the official library believes it, byte for byte, and is recorded and removed', async () => {
    const receiver = await receiverThat(() => 200);
    const { record, secret } = await endpointAt(`${receiver.url}/hook`, { headers: { 'x-customer': 'one' } });
    const meta = await owe(record.id, '{"big":12345678901234567890,"one":1.0}');
    await eventually(() => expect(receiver.requests).toHaveLength(1));
    const [request] = receiver.requests;
    expect(request?.headers).toMatchObject({ 'webhook-id': meta.eventId, 'content-type': 'application/json', 'x-customer': 'one' });
    expect(request?.body.toString()).toContain('"data":{"big":12345678901234567890,"one":1.0}}');
    expect(() => new Webhook(secret).verify(request?.body.toString() ?? '', request?.headers as Record<string, string>)).not.toThrow();
    await eventually(async () => expect(await factsOf(meta.eventId)).toMatchObject([{ type: 'attempt.succeeded', attempt: 1, status: 200, app: 'dispatcher' }]));
    await eventually(async () => expect(await left('WEBHOOK_DELIVERY')).toBe(0));
  });

  it('that fails waits in the calendar with all that the next one needs', async () => {
    const receiver = await receiverThat(() => 500);
    const { record } = await endpointAt(receiver.url);
    const meta = await owe(record.id);
    await eventually(async () => expect((await factsOf(meta.eventId)).map(({ type }) => type)).toEqual(['attempt.failed']));
    const [kept] = await everythingIn('WEBHOOK_RETRY');
    expect(readRetryAt(kept?.subject ?? '')?.shard).toBe(shardOf(record.id));
    expect(kept?.headers.get(header.attempt)).toBe('2');
    expect(kept?.headers.get(header.dueAt)).toBe(readRetryAt(kept?.subject ?? '')?.dueAt.toISOString());
    expect(kept?.headers.get(header.eventId)).toBe(meta.eventId);
    expect(kept?.headers.get(header.messageId)).toMatch(/^WEBHOOK_DELIVERY@.+:\d+$/);
    expect(kept?.data).toContain('"data":{"n":1}}');
  });

  it('that is told 410 ends as a dead letter', async () => {
    const receiver = await receiverThat(() => 410);
    const { record } = await endpointAt(receiver.url);
    const meta = await owe(record.id);
    await eventually(async () => expect((await factsOf(meta.eventId)).map(({ type }) => type)).toEqual(['attempt.failed', 'delivery.dead']));
    const dead = await everythingIn('WEBHOOK_DEAD');
    expect(dead.at(-1)).toMatchObject({ subject: 'webhook.dead.endpoint.acme' });
    expect(dead.at(-1)?.headers.get(header.reason)).toBe('gone');
  });

  it('is not made for an endpoint that was deleted', async () => {
    const receiver = await receiverThat(() => 200);
    const { record } = await endpointAt(receiver.url);
    await store.remove('acme', record.id);
    await owe(record.id);
    await eventually(async () => expect(await left('WEBHOOK_DELIVERY')).toBe(0));
    expect(receiver.requests).toHaveLength(0);
  });

  it('waits in PARKED for an endpoint that is disabled, and is made when it is enabled', async () => {
    const receiver = await receiverThat(() => 200);
    const { record } = await endpointAt(receiver.url, { enabled: false });
    await owe(record.id);
    await eventually(async () => expect((await everythingIn('WEBHOOK_PARKED')).map(({ subject: on }) => readParked(on)?.endpointId)).toEqual([record.id]));
    expect(receiver.requests).toHaveLength(0);
    await store.change('acme', record.id, (current) => ({ ...current, enabled: true }));
    await eventually(() => expect(receiver.requests).toHaveLength(1), 60_000);
    await eventually(async () => expect(await left('WEBHOOK_PARKED')).toBe(0));
  }, 90_000);

  it('of a message that nobody can read is a dead letter of the pipeline, and its neighbours go on', async () => {
    const receiver = await receiverThat(() => 200);
    const { record } = await endpointAt(receiver.url);
    await delivery.publish(subject.delivery('fresh', shardOf(record.id)), [[header.eventId, 'evt_broken']], Buffer.from('{}'));
    await owe(record.id);
    await eventually(() => expect(receiver.requests).toHaveLength(1));
    await eventually(async () => expect((await everythingIn('WEBHOOK_DEAD')).map(({ subject: on }) => on)).toContain('webhook.dead.pipeline.dispatcher'));
    await eventually(async () => expect(await left('WEBHOOK_DELIVERY')).toBe(0));
  });
});

it('a circuit’s opening and closing are told, and who asks is told how it stands', async () => {
  const receiver = await receiverThat(() => 503);
  const { record } = await endpointAt(receiver.url);
  const learnt = () => askAll<EndpointsLearnt>(plane.broker, subject.askLearnt(shardOf(record.id)), [record.id, 'ep_unknown'], { want: 1, timeoutMs: 5_000 });
  const circuitFacts = async (): Promise<Fact[]> => (await allFacts()).filter((fact) => fact.type.startsWith('circuit.') && 'endpoint' in fact && fact.endpoint === record.id);
  await eventually(async () => expect(await learnt()).toEqual([{}]));
  for (let n = 0; n < 12; n += 1) await owe(record.id);
  const lastFailure = { at: expect.any(String), kind: 'status', status: 503 };
  await eventually(async () => expect(await circuitFacts()).toMatchObject([{ type: 'circuit.opened', tenant: 'acme', app: 'dispatcher', reason: 'failures', lastFailure }]));
  expect(await learnt()).toEqual([{ [record.id]: { app: 'dispatcher', circuit: expect.stringMatching(/^(open|half_open)$/), lastFailure } }]);
  receiver.handler = () => 200;
  await eventually(async () => expect(await circuitFacts()).toMatchObject([{ type: 'circuit.opened' }, { type: 'circuit.closed', app: 'dispatcher', reason: 'answered', openMs: expect.any(Number) }]), 60_000);
  expect(await learnt()).toEqual([{ [record.id]: { app: 'dispatcher', circuit: 'closed', lastFailure } }]);
}, 130_000);

describe('an endpoint at its cap', () => {
  it('never sees more at once than it allows, gets everything, and costs its neighbours nothing', async () => {
    const slow = await receiverThat(async () => {
      await new Promise<void>((resolve) => setTimeout(resolve, 20));
      return 200;
    });
    const quick = await receiverThat(() => 200);
    const { record } = await endpointAt(slow.url, { maxInFlight: 5 });
    const { record: neighbour } = await endpointAt(quick.url);
    await Promise.all(Array.from({ length: 1_000 }, () => owe(record.id)));
    const askedAt = Date.now();
    await owe(neighbour.id);
    await eventually(() => expect(quick.requests).toHaveLength(1));
    expect((quick.requests[0]?.at ?? 0) - askedAt).toBeLessThan(1_000);
    await eventually(() => expect(slow.requests).toHaveLength(1_000), 60_000);
    expect(slow.mostInFlight).toBeLessThanOrEqual(5);
    expect(new Set(slow.requests.map(({ headers }) => headers['webhook-id'])).size).toBe(1_000);
    await eventually(async () => expect([await left('WEBHOOK_PARKED'), await left('WEBHOOK_DELIVERY')]).toEqual([0, 0]), 60_000);
  }, 130_000);
});
