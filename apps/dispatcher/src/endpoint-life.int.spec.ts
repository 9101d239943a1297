import 'reflect-metadata';
import { deliveryHeaders, header, type DeliveryMeta, type Fact } from '@spillway/contracts';
import { EndpointRegistry, EndpointStore, newMasterKey, parseMasterKeys, type EndpointDraft, type EndpointRecord } from '@spillway/endpoints';
import { Publisher } from '@spillway/jetstream';
import { startPlaneBroker, testLog, type PlaneBroker } from '@spillway/jetstream/testing';
import { loadConfig, serve, type Serving } from '@spillway/service-kit';
import { newSecret } from '@spillway/standard-webhooks';
import { eventually, startReceiver, type Receiver, type ReceiverHandler } from '@spillway/testing';
import { shardOf, subject } from '@spillway/topology';
import { Rig } from '../test/rig.ts';
import { dispatcher, DispatcherConfig } from './dispatcher.ts';

const masterKey = newMasterKey();
let plane: PlaneBroker;
let registry: EndpointRegistry;
let store: EndpointStore;
let serving: Serving;
let delivery: Publisher;
let parked: Publisher;
const receivers: Receiver[] = [];

beforeAll(async () => {
  plane = await startPlaneBroker();
  registry = await EndpointRegistry.open(plane.broker, { log: testLog });
  await registry.bucket.whenReady();
  store = new EndpointStore(registry, { masterKeys: parseMasterKeys(masterKey) });
  delivery = new Publisher(plane.broker, 'WEBHOOK_DELIVERY');
  parked = new Publisher(plane.broker, 'WEBHOOK_PARKED');
  const environment = { NATS_URL: plane.url, SPILLWAY_WORLDS_FILE: plane.worldsFile, SPILLWAY_MASTER_KEY: masterKey, SPILLWAY_ALLOW_NETWORKS: '127.0.0.0/8', SPILLWAY_PORT_BASE: '0', SPILLWAY_LOG_LEVEL: 'fatal' };
  serving = await serve(await dispatcher(loadConfig(DispatcherConfig, environment)));
}, 60_000);
afterAll(async () => {
  await serving.stop();
  for (const receiver of receivers) await receiver.stop();
  registry.close();
  await plane.stop();
}, 60_000);

const receiverThat = async (handler: ReceiverHandler): Promise<Receiver> => {
  const receiver = await startReceiver(handler);
  receivers.push(receiver);
  return receiver;
};
const endpointAt = (url: string, draft: Partial<EndpointDraft> = {}): Promise<EndpointRecord> => store.create('acme', { url, enabled: true, ...draft }, newSecret());

let made = 0;
/** As dedupe would; or as a dispatcher, when it finds the endpoint at its cap. */
const owe = async ({ id: endpointId }: EndpointRecord, place: 'turn' | 'parked' = 'turn'): Promise<void> => {
  const eventId = `evt_${String((made += 1)).padStart(20, '0')}`;
  const meta: DeliveryMeta = { eventId, tenant: 'acme', type: 'invoice.paid', source: '/tenants/acme', acceptedAt: new Date().toISOString(), endpointId, attempt: 1 };
  const [to, publisher] = place === 'turn' ? [subject.delivery('fresh', shardOf(endpointId)), delivery] : [subject.parked('first', shardOf(endpointId), endpointId), parked];
  await publisher.publish(to, [...deliveryHeaders(meta), [header.messageId, `${eventId}:${endpointId}`]], Buffer.from('{"n":1}'));
};
const left = async (stream: string): Promise<number> => (await plane.broker.api<{ state: { messages: number } }>(`STREAM.INFO.${stream}`)).state.messages;
const factsOfAcme = async (): Promise<Fact[]> => {
  const facts: Fact[] = [];
  for (let seq = 1; ; ) {
    const page = await plane.broker.api<{ message: { data: string; seq: number } }>('STREAM.MSG.GET.WEBHOOK_LEDGER', { seq, next_by_subj: 'webhook.ledger.acme' }).catch(() => undefined);
    if (!page) return facts;
    facts.push(...Buffer.from(page.message.data, 'base64').toString().split('\n').map((line) => JSON.parse(line) as Fact));
    seq = page.message.seq + 1;
  }
};

it('disables an endpoint that says 410, parks what comes for it, and goes on at once when it is enabled again', async () => {
  let answer = 410;
  const receiver = await receiverThat(() => answer);
  const record = await endpointAt(receiver.url);
  await owe(record);
  await eventually(() => expect(registry.get(record.id)).toMatchObject({ enabled: false, disabledReason: 'gone' }));
  await eventually(async () => expect((await factsOfAcme()).filter(({ type }) => type === 'endpoint.disabled')).toMatchObject([{ endpoint: record.id, reason: 'gone', by: 'dispatcher' }]));
  for (let n = 0; n < 20; n += 1) await owe(record);
  await eventually(async () => expect(await left('WEBHOOK_PARKED')).toBe(20));
  expect(receiver.requests).toHaveLength(1);
  answer = 200;
  await store.change('acme', record.id, (current) => ({ ...current, enabled: true }));
  const enabledAt = Date.now();
  await eventually(() => expect(receiver.requests).toHaveLength(21), 60_000);
  expect((receiver.requests[1]?.at ?? 0) - enabledAt).toBeLessThan(2_000);
  await eventually(async () => expect(await left('WEBHOOK_PARKED')).toBe(0));
}, 120_000);

it('does not wait for a probe of what the endpoint was before it was enabled again', async () => {
  let answer = 500;
  const receiver = await receiverThat(() => answer);
  const record = await endpointAt(receiver.url);
  for (let n = 0; n < 12; n += 1) await owe(record);
  // its circuit is open by now, and the next probe some seconds away
  await eventually(() => expect(receiver.requests.length).toBeGreaterThanOrEqual(8), 60_000);
  await store.change('acme', record.id, (current) => ({ ...current, enabled: false }));
  answer = 200;
  const before = receiver.requests.length;
  await owe(record);
  await eventually(async () => expect(await left('WEBHOOK_DELIVERY')).toBe(0));
  const enabledAt = Date.now();
  await store.change('acme', record.id, (current) => ({ ...current, enabled: true }));
  await eventually(() => expect(receiver.requests.length).toBeGreaterThan(before));
  expect((receiver.requests[before]?.at ?? 0) - enabledAt).toBeLessThan(2_000);
  await eventually(async () => expect(await left('WEBHOOK_PARKED')).toBe(0), 60_000);
}, 180_000);

it('removes what is parked for an endpoint that was deleted, without a request and without reading it', async () => {
  const receiver = await receiverThat(() => 200);
  const record = await endpointAt(receiver.url, { enabled: false });
  await Promise.all(Array.from({ length: 5_000 }, () => owe(record, 'parked')));
  const neighbour = await endpointAt(receiver.url, { enabled: false });
  await owe(neighbour, 'parked');
  await store.remove('acme', record.id);
  await eventually(async () => expect(await left('WEBHOOK_PARKED')).toBe(1));
  expect(receiver.requests).toHaveLength(0);
  // and what was on its way to be parked
  await owe(record, 'parked');
  await owe(record);
  await eventually(async () => expect([await left('WEBHOOK_PARKED'), await left('WEBHOOK_DELIVERY')]).toEqual([1, 0]), 60_000);
}, 120_000);

const DAY_MS = 86_400_000;
const daysAgo = (days: number): string => new Date(Date.now() - days * DAY_MS).toISOString();
/** Operational events, as they were put into INGEST for who subscribed to them. */
const operational = async (): Promise<string[]> => {
  const { state } = await plane.broker.api<{ state: { last_seq: number } }>('STREAM.INFO.WEBHOOK_INGEST');
  const types: string[] = [];
  for (let seq = 1; seq <= state.last_seq; seq += 1) {
    const { message } = await plane.broker.api<{ message: { subject: string; data: string } }>('STREAM.MSG.GET.WEBHOOK_INGEST', { seq });
    const { type, data } = JSON.parse(Buffer.from(message.data, 'base64').toString()) as { type: string; data: { endpoint: string } };
    types.push(`${type} ${data.endpoint} to ${message.subject.split('.').at(-1)}`);
  }
  return types;
};

const about = ({ id }: EndpointRecord): EndpointRecord | undefined => registry.get(id);

it('warns at a fifth and at four fifths of five days of failing, and disables after them, told to who subscribed to it', async () => {
  await store.create('_system', { url: 'http://127.0.0.1:9/', enabled: true, types: ['endpoint.failing', 'endpoint.disabled'] }, newSecret());
  const receiver = await receiverThat(() => 500);
  const failingFor = async (days: number, told?: 1 | 2): Promise<EndpointRecord> => {
    const endpoint = await endpointAt(receiver.url);
    await store.change('acme', endpoint.id, (current) => ({ ...current, failingSince: daysAgo(days), ...(told && { failingTold: told }) }));
    await eventually(() => expect(registry.get(endpoint.id)).toMatchObject({ failingSince: expect.anything() }));
    await owe(endpoint);
    return endpoint;
  };
  const [short, fifth, most, over] = [await failingFor(0.9), await failingFor(1.1), await failingFor(4.1, 1), await failingFor(5.1, 2)];
  await eventually(() => expect([about(short)?.failingTold, about(fifth), about(most), about(over)]).toMatchObject([undefined, { enabled: true, failingTold: 1 }, { enabled: true, failingTold: 2 }, { enabled: false, disabledReason: 'failing' }]), 60_000);
  const expected = [`endpoint.failing ${fifth.id} to _system`, `endpoint.failing ${most.id} to _system`, `endpoint.disabled ${over.id} to _system`];
  await eventually(async () => expect(new Set(await operational())).toEqual(new Set(expected)), 60_000);
  await eventually(async () => expect((await factsOfAcme()).filter((fact) => fact.type === 'endpoint.disabled' && fact.endpoint === over.id)).toMatchObject([{ reason: 'failing', by: 'dispatcher' }]));
}, 130_000);

it('parks what comes for an endpoint whose record is absent, and goes on when the record is back', async () => {
  const rig = await Rig.start();
  try {
    const receiver = await rig.receiver();
    const endpoint = await rig.endpoint(receiver.url);
    const key = `endpoint.${endpoint.id}`;
    const kept = await rig.registry.bucket.read(key);
    await rig.registry.bucket.remove(key);
    await rig.startDispatcher();
    await rig.owe(endpoint, 'fresh');
    await eventually(async () => expect([await rig.left('WEBHOOK_PARKED'), await rig.left('WEBHOOK_DELIVERY')]).toEqual([1, 0]));
    expect((await rig.facts()).filter(({ type }) => type === 'delivery.parked')).toMatchObject([{ reason: 'endpoint_absent', endpoint: endpoint.id }]);
    expect(receiver.requests).toEqual([]);
    await rig.registry.bucket.put(key, kept?.value ?? '');
    await eventually(() => expect(receiver.requests).toHaveLength(1));
    await eventually(async () => expect(await rig.left('WEBHOOK_PARKED')).toBe(0));
  } finally {
    await rig.stop();
  }
}, 130_000);
