import { join } from 'node:path';
import { derivedEventId, eventHeaders, header, type EventMeta, type Fact, type FactOf } from '@spillway/contracts';
import { EndpointRegistry, EndpointStore, newMasterKey, parseMasterKeys, type EndpointDraft, type EndpointRecord } from '@spillway/endpoints';
import { Publisher } from '@spillway/jetstream';
import { everythingIn, factsIn, startPlaneBroker, testLog, type PlaneBroker, type Kept } from '@spillway/jetstream/testing';
import { loadConfig, serve, type Serving } from '@spillway/service-kit';
import { newSecret } from '@spillway/standard-webhooks';
import { eventually, PlaneProcess, repositoryRoot } from '@spillway/testing';
import { subject, type IngestLane } from '@spillway/topology';
import { DedupeConfig } from '../src/dedupe.config.ts';
import { dedupe } from '../src/dedupe.ts';

export type Accepted = { id: string; ingest: number };
type Accepting = Partial<EventMeta> & { data?: string; lane?: IngestLane };
type StreamState = { messages: number; first_seq: number; last_seq: number };

/** A dedupe on a broker of its own, with what is before it and behind it. */
export class Rig {
  serving: Serving | undefined;
  private process: PlaneProcess | undefined;
  private readonly ingest: Publisher;

  private constructor(
    readonly plane: PlaneBroker,
    readonly registry: EndpointRegistry,
    private readonly store: EndpointStore,
    private readonly env: Readonly<Record<string, string>>,
  ) {
    this.ingest = new Publisher(plane.broker, 'WEBHOOK_INGEST', { timeoutMs: 60_000 }); // floods, on a busy machine
  }

  static async start(env: Readonly<Record<string, string>> = {}): Promise<Rig> {
    const plane = await startPlaneBroker();
    const registry = await EndpointRegistry.open(plane.broker, { log: testLog });
    await registry.bucket.whenReady();
    return new Rig(plane, registry, new EndpointStore(registry, { masterKeys: parseMasterKeys(newMasterKey()) }), env);
  }

  async stop(): Promise<void> {
    await this.stopDedupe();
    this.registry.close();
    await this.plane.stop();
  }

  /** In this process. */
  async startDedupe(env: Readonly<Record<string, string>> = {}): Promise<void> {
    const config = loadConfig(DedupeConfig, this.environment(env));
    this.serving = await serve(await dedupe(config));
  }

  /** As a process of its own, which can be killed. */
  async startProcess(env: Readonly<Record<string, string>> = {}): Promise<PlaneProcess> {
    const root = repositoryRoot();
    this.process = new PlaneProcess({
      app: 'dedupe',
      replica: 0,
      cwd: root,
      args: ['--conditions=@spillway/source', '--import', join(root, 'tools', 'swc-hook.mjs'), 'apps/dedupe/src/main.ts'],
      env: { PATH: process.env['PATH'] ?? '', ...this.environment(env) },
      url: '',
      logFile: join(this.plane.server.dir, 'dedupe.log'),
    });
    await this.process.start();
    return this.process;
  }

  async stopDedupe(): Promise<void> {
    await this.serving?.stop();
    this.serving = undefined;
    await this.process?.kill();
    this.process = undefined;
  }

  endpoint(draft: Partial<EndpointDraft> = {}, tenant = 'acme'): Promise<EndpointRecord> {
    return this.store.create(tenant, { url: 'http://127.0.0.1:9/', enabled: true, ...draft }, newSecret());
  }

  /** As ingest would. @param key the producer's: the same one is the same event */
  async accept(key: string, { data = '{"n":1}', lane = 'fresh', ...over }: Accepting = {}): Promise<Accepted> {
    const tenant = over.tenant ?? 'acme';
    const meta: EventMeta = { eventId: derivedEventId(tenant, key), tenant, type: 'invoice.paid', source: `/tenants/${tenant}`, acceptedAt: new Date().toISOString(), ...over };
    const body = Buffer.from(`{"type":"${meta.type}","timestamp":"${meta.acceptedAt}","data":${data}}`);
    const { seq } = await this.ingest.publish(subject.ingest(lane, tenant), eventHeaders(meta), body);
    return { id: meta.eventId, ingest: seq };
  }

  /** What ingest never would. */
  async publish(headers: [string, string][], body: string): Promise<void> {
    await this.ingest.publish(subject.ingest('fresh', 'acme'), headers, Buffer.from(body));
  }

  everythingIn(stream: string): Promise<Kept[]> {
    return everythingIn(this.plane.broker, stream);
  }

  facts(): Promise<Fact[]> {
    return factsIn(this.plane.broker);
  }

  async factsOf<T extends Fact['type']>(type: T): Promise<FactOf<T>[]> {
    return (await this.facts()).filter((fact): fact is FactOf<T> => fact.type === type);
  }

  async left(stream: string): Promise<number> {
    return (await this.state(stream)).messages;
  }

  /** Every acceptance is settled by exactly one kind of fact: the first line of the books. */
  async settledSequences(): Promise<number[]> {
    const settled = (await this.facts()).flatMap((fact) => {
      if (fact.type === 'event.accepted' || fact.type === 'event.unrouted') return [fact.ingest];
      return fact.type === 'event.duplicates_dropped' ? fact.originals.flatMap((original) => original.ingest) : [];
    });
    return settled.toSorted((a, b) => a - b);
  }

  async untilSettled(...events: Accepted[]): Promise<void> {
    const wanted = events.map(({ ingest }) => ingest).toSorted((a, b) => a - b);
    await eventually(async () => {
      const settled = await this.settledSequences();
      if (settled.join() !== wanted.join()) throw new Error(`settled ${settled.join()}, wanted ${wanted.join()}`);
    }, 60_000);
  }

  /** Of what was taken from INGEST, how much is not settled. */
  async inFlight(): Promise<number> {
    return (await this.plane.broker.api<{ num_ack_pending: number }>('CONSUMER.INFO.WEBHOOK_INGEST.dedupe-fresh')).num_ack_pending;
  }

  /** Ids of the messages in DELIVERY: what was stored, by which step. */
  async delivered(): Promise<string[]> {
    return (await this.everythingIn('WEBHOOK_DELIVERY')).map(({ headers }) => headers.get(header.messageId) ?? '');
  }

  /** As an operator does on purpose: another stream of that name, whose sequences begin again. */
  async makeIngestAnew(): Promise<void> {
    await this.plane.broker.api('STREAM.DELETE.WEBHOOK_INGEST');
    await this.plane.provision({ adopt: ['WEBHOOK_INGEST'] });
  }

  async limit(stream: string, maxBytes: number): Promise<void> {
    const { config } = await this.plane.broker.api<{ config: object }>(`STREAM.INFO.${stream}`);
    await this.plane.broker.api(`STREAM.UPDATE.${stream}`, { ...config, max_bytes: maxBytes });
  }

  async readiness(): Promise<{ status: number; checks: Record<string, { ok: boolean; detail: Record<string, unknown> }> }> {
    const response = await fetch(`${this.serving?.url ?? ''}/readyz`);
    return { status: response.status, ...((await response.json()) as { checks: Record<string, { ok: boolean; detail: Record<string, unknown> }> }) };
  }

  /** One metric's value, summed over its labels but for those given. */
  async metric(name: string, labels = ''): Promise<number> {
    const text = await (await fetch(`${this.serving?.url ?? ''}/metrics`)).text();
    const lines = text.split('\n').filter((line) => line.startsWith(name) && line.includes(labels));
    return lines.reduce((sum, line) => sum + Number(line.split(' ').at(-1)), 0);
  }

  private async state(stream: string): Promise<StreamState> {
    return (await this.plane.broker.api<{ state: StreamState }>(`STREAM.INFO.${stream}`)).state;
  }

  private environment(env: Readonly<Record<string, string>>): Record<string, string> {
    // the most there is: on a busy machine an answer takes longer than the 50 ms after which an event goes on unchecked, and then a test sees no duplicates
    const patient = { SPILLWAY_DEDUPE_REDIS_TIMEOUT_MS: '5000' };
    return { NATS_URL: this.plane.url, SPILLWAY_WORLDS_FILE: this.plane.worldsFile, SPILLWAY_PORT_BASE: '0', SPILLWAY_LOG_LEVEL: 'fatal', ...patient, ...this.env, ...env };
  }
}
