import { join } from 'node:path';
import { acceptanceNumber, derivedEventId, eventHeaders, header, type EventMeta, type Fact, type FactOf } from '@spillway/contracts';
import { EndpointRegistry, EndpointStore, newMasterKey, parseMasterKeys, type EndpointDraft, type EndpointRecord } from '@spillway/endpoints';
import { Publisher, type Outgoing } from '@spillway/jetstream';
import { everythingIn, factsIn, startPlaneBroker, testLog, type PlaneBroker, type Kept } from '@spillway/jetstream/testing';
import { loadConfig, serve, type Serving } from '@spillway/service-kit';
import { newSecret } from '@spillway/standard-webhooks';
import { eventually, PlaneProcess, repositoryRoot } from '@spillway/testing';
import { isOrderedIngest, subject, type IngestLane } from '@spillway/topology';
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
  private readonly pages: Publisher;

  private constructor(
    readonly plane: PlaneBroker,
    readonly registry: EndpointRegistry,
    private readonly store: EndpointStore,
    private readonly env: Readonly<Record<string, string>>,
  ) {
    this.ingest = new Publisher(plane.broker, 'WEBHOOK_INGEST', { timeoutMs: 60_000 }); // floods, on a busy machine
    this.pages = new Publisher(plane.broker, 'WEBHOOK_INGEST', { timeoutMs: 60_000, pages: (of) => !isOrderedIngest(of) });
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

  /** As ingest would, each by itself. @param key the producer's: the same one is the same event */
  async accept(key: string, over: Accepting = {}): Promise<Accepted> {
    const { id, message } = this.acceptable(key, over);
    const { seq } = await this.ingest.publish(message.subject, message.headers, message.data);
    return { id, ingest: seq };
  }

  /** As ingest would what came together: on one page. */
  async acceptPage(keys: readonly string[], over: Accepting = {}): Promise<Accepted[]> {
    const events = keys.map((key) => this.acceptable(key, over));
    const acks = await this.pages.publishEach(events.map(({ message }) => message));
    return events.map(({ id }, n) => {
      const ack = acks[n];
      if (ack === undefined || ack instanceof Error) throw ack ?? new Error('no answer');
      return { id, ingest: acceptanceNumber({ sequence: ack.seq, ...(ack.place !== undefined && { place: ack.place }) }) };
    });
  }

  /** What ingest never would, in the middle of a page of what it would. */
  async publishPage(before: string, { headers, body }: { headers: [string, string][]; body: string }, after: string): Promise<void> {
    const wrong = { subject: subject.ingest('fresh', 'acme'), headers, data: Buffer.from(body) };
    await this.pages.publishEach([this.acceptable(before).message, wrong, this.acceptable(after).message]);
  }

  private acceptable(key: string, { data = '{"n":1}', lane = 'fresh', ...over }: Accepting = {}): { id: string; message: Outgoing } {
    const tenant = over.tenant ?? 'acme';
    const meta: EventMeta = { eventId: derivedEventId(tenant, key), tenant, type: 'invoice.paid', source: `/tenants/${tenant}`, acceptedAt: new Date().toISOString(), ...over };
    const body = Buffer.from(`{"type":"${meta.type}","timestamp":"${meta.acceptedAt}","data":${data}}`);
    return { id: meta.eventId, message: { subject: subject.ingest(lane, tenant), headers: eventHeaders(meta), data: body } };
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

  limit(stream: string, maxBytes: number): Promise<void> {
    return this.change(stream, { max_bytes: maxBytes });
  }

  /** A tenth of a second is the least there is: for whoever comes later it is as if two minutes had passed. */
  forgetIdsAtOnce(stream: string): Promise<void> {
    return this.change(stream, { duplicate_window: 100_000_000 });
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

  private async change(stream: string, to: object): Promise<void> {
    const { config } = await this.plane.broker.api<{ config: object }>(`STREAM.INFO.${stream}`);
    await this.plane.broker.api(`STREAM.UPDATE.${stream}`, { ...config, ...to });
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
