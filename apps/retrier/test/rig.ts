import { deliveryHeaders, header, switchKey, type DeliveryMeta, type Fact, type RetrySwitch, type SwitchScope } from '@spillway/contracts';
import { EndpointRegistry, EndpointStore, newMasterKey, parseMasterKeys, type EndpointDraft, type EndpointRecord } from '@spillway/endpoints';
import { Publisher, WatchedBucket } from '@spillway/jetstream';
import { everythingIn, factsIn, startPlaneBroker, testLog, type PlaneBroker, type Kept } from '@spillway/jetstream/testing';
import { loadConfig, serve, type Serving } from '@spillway/service-kit';
import { newSecret } from '@spillway/standard-webhooks';
import { startReceiver, type Receiver, type ReceiverHandler } from '@spillway/testing';
import { shardOf, subject } from '@spillway/topology';
import { retrier, RetrierConfig } from '../src/retrier.ts';

type StreamState = { messages: number; first_seq: number; last_seq: number; subjects?: Record<string, number> };

/** A retrier on a broker of its own, with what is before it and behind it. */
export class Rig {
  private readonly masterKey = newMasterKey();
  private readonly receivers: Receiver[] = [];
  private readonly store: EndpointStore;
  private readonly calendar: Publisher;
  private readonly parked: Publisher;
  private serving: Serving | undefined;
  private made = 0;

  private constructor(
    readonly plane: PlaneBroker,
    private readonly registry: EndpointRegistry,
    private readonly control: WatchedBucket,
  ) {
    this.store = new EndpointStore(registry, { masterKeys: parseMasterKeys(this.masterKey) });
    this.calendar = new Publisher(plane.broker, 'WEBHOOK_RETRY');
    this.parked = new Publisher(plane.broker, 'WEBHOOK_PARKED');
  }

  static async start(): Promise<Rig> {
    const plane = await startPlaneBroker();
    const registry = await EndpointRegistry.open(plane.broker, { log: testLog });
    const control = await WatchedBucket.open(plane.broker, 'webhook_control', { log: testLog });
    await registry.bucket.whenReady();
    return new Rig(plane, registry, control);
  }

  async stop(): Promise<void> {
    await this.stopRetrier();
    for (const receiver of this.receivers) await receiver.stop();
    this.registry.close();
    this.control.close();
    await this.plane.stop();
  }

  async startRetrier(env: Readonly<Record<string, string>> = {}): Promise<void> {
    const environment = {
      NATS_URL: this.plane.url,
      SPILLWAY_WORLDS_FILE: this.plane.worldsFile,
      SPILLWAY_MASTER_KEY: this.masterKey,
      SPILLWAY_ALLOW_NETWORKS: '127.0.0.0/8',
      SPILLWAY_PORT_BASE: '0',
      SPILLWAY_LOG_LEVEL: 'fatal',
      ...env,
    };
    this.serving = await serve(await retrier(loadConfig(RetrierConfig, environment)));
  }

  async stopRetrier(): Promise<void> {
    await this.serving?.stop();
    this.serving = undefined;
  }

  async receiver(handler: ReceiverHandler = () => 200): Promise<Receiver> {
    const receiver = await startReceiver(handler);
    this.receivers.push(receiver);
    return receiver;
  }

  endpoint(url: string, draft: Partial<EndpointDraft> = {}, tenant = 'acme', secret = newSecret()): Promise<EndpointRecord> {
    return this.store.create(tenant, { url, enabled: true, ...draft }, secret);
  }

  /** A later attempt in the calendar, where a dispatcher puts it after a failure. */
  async owe({ id, tenant }: EndpointRecord, dueAt: Date): Promise<DeliveryMeta> {
    const meta: DeliveryMeta = { ...this.meta(id, tenant, Date.now() - 5_000), dueAt: dueAt.toISOString() };
    await this.calendar.publish(subject.retryAt(shardOf(id), dueAt), this.headers(meta), this.body(meta));
    return meta;
  }

  /** A later attempt in PARKED. */
  async park({ id, tenant }: EndpointRecord, ageMs: number): Promise<void> {
    const meta = this.meta(id, tenant, Date.now() - ageMs);
    await this.parked.publish(subject.parked('later', shardOf(id), id), this.headers(meta), this.body(meta));
  }

  /** As the console writes it. */
  set(scope: SwitchScope, value: RetrySwitch): Promise<number> {
    return this.control.put(switchKey(scope), JSON.stringify(value));
  }

  async unset(scope: SwitchScope): Promise<void> {
    await this.control.remove(switchKey(scope));
  }

  async purge(stream: string): Promise<void> {
    await this.plane.broker.api(`STREAM.PURGE.${stream}`);
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

  /** How many later attempts of an endpoint are parked. */
  async parkedOf({ id }: EndpointRecord): Promise<number> {
    const on = subject.parked('later', shardOf(id), id);
    return (await this.state('WEBHOOK_PARKED', on)).subjects?.[on] ?? 0;
  }

  private meta(endpointId: string, tenant: string, acceptedAtMs: number): DeliveryMeta {
    const eventId = `evt_${String((this.made += 1)).padStart(20, '0')}`;
    return { eventId, tenant, type: 'invoice.paid', source: `/tenants/${tenant}`, acceptedAt: new Date(acceptedAtMs).toISOString(), endpointId, attempt: 2 };
  }

  private headers(meta: DeliveryMeta): [string, string][] {
    return [...deliveryHeaders(meta), [header.messageId, `TEST@t0:${meta.eventId}`]];
  }

  private body({ acceptedAt, eventId }: DeliveryMeta): Buffer {
    return Buffer.from(`{"type":"invoice.paid","timestamp":"${acceptedAt}","data":{"of":"${eventId}"}}`);
  }

  private async state(stream: string, subjectsFilter?: string): Promise<StreamState> {
    return (await this.plane.broker.api<{ state: StreamState }>(`STREAM.INFO.${stream}`, subjectsFilter === undefined ? undefined : { subjects_filter: subjectsFilter })).state;
  }
}
