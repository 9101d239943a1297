import { deliveryHeaders, header, type DeliveryMeta, type Fact } from '@spillway/contracts';
import { EndpointRegistry, EndpointStore, newMasterKey, parseMasterKeys, type EndpointDraft, type EndpointRecord } from '@spillway/endpoints';
import { Publisher } from '@spillway/jetstream';
import { everythingIn, factsIn, startPlaneBroker, testLog, type PlaneBroker, type Kept } from '@spillway/jetstream/testing';
import { loadConfig, serve, type Serving } from '@spillway/service-kit';
import { newSecret } from '@spillway/standard-webhooks';
import { startReceiver, type Receiver, type ReceiverHandler } from '@spillway/testing';
import { shardOf, subject } from '@spillway/topology';
import { dispatcher, DispatcherConfig } from '../src/dispatcher.ts';

type StreamState = { messages: number; first_seq: number; last_seq: number };

/** A dispatcher on a broker of its own, with what is before it and behind it. */
export class Rig {
  private readonly masterKey = newMasterKey();
  private readonly servings = new Set<Serving>();
  private readonly receivers: Receiver[] = [];
  private readonly store: EndpointStore;
  private made = 0;

  private constructor(
    readonly plane: PlaneBroker,
    readonly registry: EndpointRegistry,
  ) {
    this.store = new EndpointStore(registry, { masterKeys: parseMasterKeys(this.masterKey) });
  }

  static async start(): Promise<Rig> {
    const plane = await startPlaneBroker();
    const registry = await EndpointRegistry.open(plane.broker, { log: testLog });
    await registry.bucket.whenReady();
    return new Rig(plane, registry);
  }

  async stop(): Promise<void> {
    for (const serving of this.servings) await serving.stop();
    for (const receiver of this.receivers) await receiver.stop();
    this.registry.close();
    await this.plane.stop();
  }

  async startDispatcher(env: Readonly<Record<string, string>> = {}): Promise<Serving> {
    const environment = {
      NATS_URL: this.plane.url,
      SPILLWAY_WORLDS_FILE: this.plane.worldsFile,
      SPILLWAY_MASTER_KEY: this.masterKey,
      SPILLWAY_ALLOW_NETWORKS: '127.0.0.0/8',
      SPILLWAY_PORT_BASE: '0',
      SPILLWAY_LOG_LEVEL: process.env['SPILLWAY_LOG_LEVEL'] ?? 'fatal',
      ...env,
    };
    const serving = await serve(await dispatcher(loadConfig(DispatcherConfig, environment)));
    this.servings.add(serving);
    return serving;
  }

  async receiver(handler: ReceiverHandler = () => 200): Promise<Receiver> {
    const receiver = await startReceiver(handler);
    this.receivers.push(receiver);
    return receiver;
  }

  endpoint(url: string, draft: Partial<EndpointDraft> = {}, tenant = 'acme', secret = newSecret()): Promise<EndpointRecord> {
    return this.store.create(tenant, { url, enabled: true, ...draft }, secret);
  }

  async change({ id, tenant }: EndpointRecord, change: Partial<EndpointRecord>): Promise<void> {
    await this.store.change(tenant, id, (current) => ({ ...current, ...change }));
  }

  async remove({ id, tenant }: EndpointRecord): Promise<void> {
    await this.store.remove(tenant, id);
  }

  /** A message where dedupe puts it, on any subject of DELIVERY or PARKED. */
  async owe({ id: endpointId, tenant }: EndpointRecord, place: 'fresh' | 'bulk' | 'parked', { data, ...over }: Partial<DeliveryMeta> & { data?: string } = {}): Promise<DeliveryMeta> {
    const eventId = `evt_${String((this.made += 1)).padStart(20, '0')}`;
    const meta: DeliveryMeta = { eventId, tenant, type: 'invoice.paid', source: `/tenants/${tenant}`, acceptedAt: new Date().toISOString(), endpointId, attempt: 1, ...over };
    const body = Buffer.from(`{"type":"invoice.paid","timestamp":"${meta.acceptedAt}","data":${data ?? `{"n":${this.made}}`}}`);
    const headers: [string, string][] = [...deliveryHeaders(meta), [header.messageId, `${eventId}:${endpointId}`]];
    const shard = shardOf(endpointId);
    const [publisher, on] = place === 'parked' ? [this.parked, subject.parked('first', shard, endpointId)] : [this.delivery, subject.delivery(place, shard)];
    await publisher.publish(on, headers, body);
    if (place === 'parked') this.plane.broker.nc.publish(subject.nudge('first', shard), on);
    return meta;
  }

  everythingIn(stream: string): Promise<Kept[]> {
    return everythingIn(this.plane.broker, stream);
  }

  facts(): Promise<Fact[]> {
    return factsIn(this.plane.broker);
  }

  async factsOf({ eventId }: DeliveryMeta): Promise<Fact[]> {
    return (await this.facts()).filter((fact) => 'event' in fact && fact.event === eventId);
  }

  async left(stream: string): Promise<number> {
    return (await this.state(stream)).messages;
  }

  private get delivery(): Publisher {
    return (this.publishers.delivery ??= new Publisher(this.plane.broker, 'WEBHOOK_DELIVERY'));
  }

  private get parked(): Publisher {
    return (this.publishers.parked ??= new Publisher(this.plane.broker, 'WEBHOOK_PARKED'));
  }

  private readonly publishers: { delivery?: Publisher; parked?: Publisher } = {};

  private async state(stream: string): Promise<StreamState> {
    return (await this.plane.broker.api<{ state: StreamState }>(`STREAM.INFO.${stream}`)).state;
  }
}
