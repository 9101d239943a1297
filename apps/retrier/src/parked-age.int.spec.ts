import 'reflect-metadata';
import { deliveryHeaders, header, switchKey, type Fact, type RetrySwitch } from '@spillway/contracts';
import { EndpointRegistry, EndpointStore, newMasterKey, parseMasterKeys, type EndpointDraft, type EndpointRecord } from '@spillway/endpoints';
import { Publisher, WatchedBucket } from '@spillway/jetstream';
import { startPlaneBroker, testLog, type PlaneBroker } from '@spillway/jetstream/testing';
import { loadConfig, serve, type Serving } from '@spillway/service-kit';
import { newSecret } from '@spillway/standard-webhooks';
import { eventually, startReceiver, type Receiver } from '@spillway/testing';
import { shardOf, subject } from '@spillway/topology';
import { retrier, RetrierConfig } from './retrier.ts';

const masterKey = newMasterKey();
let plane: PlaneBroker;
let registry: EndpointRegistry;
let control: WatchedBucket;
let store: EndpointStore;
let receiver: Receiver;
let serving: Serving;
beforeAll(async () => {
  plane = await startPlaneBroker();
  registry = await EndpointRegistry.open(plane.broker, { log: testLog });
  control = await WatchedBucket.open(plane.broker, 'webhook_control', { log: testLog });
  await registry.bucket.whenReady();
  store = new EndpointStore(registry, { masterKeys: parseMasterKeys(masterKey) });
  receiver = await startReceiver();
  // whoever suspended them did so before the retrier came
  await control.put(switchKey({ tenant: 'suspended' }), JSON.stringify({ suspended: { by: 'admin', at: new Date().toISOString() } } satisfies RetrySwitch));
  const environment = { NATS_URL: plane.url, SPILLWAY_WORLDS_FILE: plane.worldsFile, SPILLWAY_MASTER_KEY: masterKey, SPILLWAY_ALLOW_NETWORKS: '127.0.0.0/8', SPILLWAY_PORT_BASE: '0', SPILLWAY_LOG_LEVEL: 'fatal' };
  serving = await serve(await retrier(loadConfig(RetrierConfig, { ...environment, SPILLWAY_MAX_DELIVERY_AGE_SECONDS: '5' })));
}, 60_000);
afterAll(async () => {
  await serving.stop();
  await receiver.stop();
  registry.close();
  control.close();
  await plane.stop();
}, 60_000);

const endpointOf = (tenant: string, draft: Partial<EndpointDraft> = {}): Promise<EndpointRecord> => store.create(tenant, { url: receiver.url, enabled: true, ...draft }, newSecret());

const park = async ({ id: endpointId, tenant }: EndpointRecord, count: number, ageMs: number): Promise<void> => {
  const parked = new Publisher(plane.broker, 'WEBHOOK_PARKED');
  const acceptedAt = new Date(Date.now() - ageMs).toISOString();
  const one = (n: number) => {
    const eventId = `evt_${tenant}${ageMs > 0 ? 'old' : 'young'}${String(n).padStart(5, '0')}`;
    const meta = { eventId, tenant, type: 'invoice.paid', source: `/tenants/${tenant}`, acceptedAt, endpointId, attempt: 2 };
    return parked.publish(subject.parked('later', shardOf(endpointId), endpointId), [...deliveryHeaders(meta), [header.messageId, eventId]], Buffer.from('{}'));
  };
  await Promise.all(Array.from({ length: count }, (_, n) => one(n)));
};
const left = async ({ id }: EndpointRecord): Promise<number> => {
  const on = subject.parked('later', shardOf(id), id);
  const { state } = await plane.broker.api<{ state: { subjects?: Record<string, number> } }>('STREAM.INFO.WEBHOOK_PARKED', { subjects_filter: on });
  return state.subjects?.[on] ?? 0;
};
const expiredOf = async (tenant: string): Promise<number> => {
  const delivered = new Set<string>();
  for (let seq = 1; ; ) {
    const page = await plane.broker.api<{ message: { data: string; seq: number } }>('STREAM.MSG.GET.WEBHOOK_LEDGER', { seq, next_by_subj: `webhook.ledger.${tenant}` }).catch(() => undefined);
    if (!page) return delivered.size;
    for (const line of Buffer.from(page.message.data, 'base64').toString().split('\n')) {
      const fact = JSON.parse(line) as Fact;
      if (fact.type === 'delivery.expired') delivered.add(fact.delivery);
    }
    seq = page.message.seq + 1;
  }
};

it.each<{ what: string; tenant: string; draft: Partial<EndpointDraft> }>([
  { what: 'of a disabled endpoint', tenant: 'disabled', draft: { enabled: false } },
  { what: 'of a suspended tenant', tenant: 'suspended', draft: {} },
])('a later attempt that is parked, $what, ends once it is too old', async ({ tenant, draft }) => {
  const endpoint = await endpointOf(tenant, draft);
  await park(endpoint, 300, 60_000);
  await park(endpoint, 20, -3_600_000);
  await eventually(async () => expect([await left(endpoint), await expiredOf(tenant), receiver.requests.length]).toEqual([20, 300, 0]), 60_000);
}, 120_000);
