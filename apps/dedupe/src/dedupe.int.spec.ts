import 'reflect-metadata';
import { derivedEventId, deliveryId, eventHeaders, header, type EventMeta, type Fact } from '@spillway/contracts';
import { EndpointRegistry, EndpointStore, newMasterKey, parseMasterKeys, type EndpointDraft, type EndpointRecord } from '@spillway/endpoints';
import { Publisher, RawHeaders } from '@spillway/jetstream';
import { startPlaneBroker, testLog, type PlaneBroker } from '@spillway/jetstream/testing';
import { loadConfig, serve, type Serving } from '@spillway/service-kit';
import { newSecret } from '@spillway/standard-webhooks';
import { eventually } from '@spillway/testing';
import { shardOf, subject } from '@spillway/topology';
import { DedupeConfig } from './dedupe.config.ts';
import { dedupe } from './dedupe.ts';

let plane: PlaneBroker;
let registry: EndpointRegistry;
let store: EndpointStore;
let serving: Serving | undefined;
let ingest: Publisher;
beforeEach(async () => {
  plane = await startPlaneBroker();
  registry = await EndpointRegistry.open(plane.broker, { log: testLog });
  await registry.bucket.whenReady();
  store = new EndpointStore(registry, { masterKeys: parseMasterKeys(newMasterKey()) });
  ingest = new Publisher(plane.broker, 'WEBHOOK_INGEST');
}, 60_000);
afterEach(async () => {
  await serving?.stop();
  serving = undefined;
  registry.close();
  await plane.stop();
}, 60_000);

const start = async (): Promise<void> => {
  const environment = { NATS_URL: plane.url, SPILLWAY_WORLDS_FILE: plane.worldsFile, SPILLWAY_PORT_BASE: '0', SPILLWAY_LOG_LEVEL: 'fatal' };
  serving = await serve(await dedupe(loadConfig(DedupeConfig, environment)));
};

const endpoint = (draft: Partial<EndpointDraft> = {}): Promise<EndpointRecord> => store.create('acme', { url: 'http://127.0.0.1:9/', enabled: true, ...draft }, newSecret());

/** As ingest would. */
const accept = async (key: string, { data = '{"n":1}', ...over }: Partial<EventMeta> & { data?: string } = {}): Promise<{ id: string; ingest: number }> => {
  const meta: EventMeta = { eventId: derivedEventId('acme', key), tenant: 'acme', type: 'invoice.paid', source: '/tenants/acme', acceptedAt: new Date().toISOString(), ...over };
  const body = Buffer.from(`{"type":"${meta.type}","timestamp":"${meta.acceptedAt}","data":${data}}`);
  const { seq } = await ingest.publish(subject.ingest('fresh', 'acme'), eventHeaders(meta), body);
  return { id: meta.eventId, ingest: seq };
};

type Kept = { subject: string; headers: RawHeaders; data: string };
const everythingIn = async (stream: string): Promise<Kept[]> => {
  const { state } = await plane.broker.api<{ state: { first_seq: number; last_seq: number } }>(`STREAM.INFO.${stream}`);
  const kept: Kept[] = [];
  for (let seq = state.first_seq; seq <= state.last_seq; seq += 1) {
    const { message } = await plane.broker.api<{ message: { subject: string; data?: string; hdrs?: string } }>(`STREAM.MSG.GET.${stream}`, { seq });
    kept.push({ subject: message.subject, headers: new RawHeaders(Buffer.from(message.hdrs ?? '', 'base64')), data: Buffer.from(message.data ?? '', 'base64').toString() });
  }
  return kept;
};
const facts = async (): Promise<Fact[]> => (await everythingIn('WEBHOOK_LEDGER')).flatMap(({ data }) => data.split('\n').map((line) => JSON.parse(line) as Fact));
const left = async (stream: string): Promise<number> => (await plane.broker.api<{ state: { messages: number } }>(`STREAM.INFO.${stream}`)).state.messages;

/** Every acceptance is settled by exactly one kind of fact: the first line of the books. */
const settledSequences = async (): Promise<number[]> =>
  (await facts())
    .flatMap((fact) => {
      if (fact.type === 'event.accepted' || fact.type === 'event.unrouted') return [fact.ingest];
      return fact.type === 'event.duplicates_dropped' ? fact.originals.flatMap((original) => original.ingest) : [];
    })
    .toSorted((a, b) => a - b);

describe('an accepted event', () => {
  it('becomes a delivery for each endpoint that wants its type, and the fact lists them', async () => {
    const all = await endpoint();
    const invoices = await endpoint({ types: ['invoice.*'] });
    await endpoint({ types: ['user.**'] });
    const off = await endpoint({ enabled: false });
    await start();
    const event = await accept('a', { data: '{"big":12345678901234567890}' });
    await eventually(async () => expect(await settledSequences()).toEqual([event.ingest]));
    const deliveries = await everythingIn('WEBHOOK_DELIVERY');
    expect(deliveries.map(({ subject: on }) => on).toSorted()).toEqual([all, invoices].map(({ id }) => subject.delivery('fresh', shardOf(id))).toSorted());
    for (const { headers, data } of deliveries) {
      const endpointId = headers.get(header.endpoint) ?? '';
      expect(headers.get(header.messageId)).toBe(`${event.id}:${endpointId}`);
      expect([headers.get(header.attempt), headers.get(header.eventType), headers.get(header.tenant)]).toEqual(['1', 'invoice.paid', 'acme']);
      expect(data).toContain('"data":{"big":12345678901234567890}}');
    }
    const [accepted] = await facts();
    expect(accepted).toMatchObject({ type: 'event.accepted', event: event.id, skipped: [off.id], ingest: event.ingest, body: deliveries[0]?.data });
    expect((accepted as Extract<Fact, { type: 'event.accepted' }>).deliveries.toSorted((a, b) => a.endpoint.localeCompare(b.endpoint))).toEqual(
      [all, invoices].map(({ id }) => ({ id: deliveryId(event.id, id), endpoint: id })).toSorted((a, b) => a.endpoint.localeCompare(b.endpoint)),
    );
    await eventually(async () => expect(await left('WEBHOOK_INGEST')).toBe(0));
  });

  it('that nobody wants is a fact, and no error', async () => {
    await endpoint({ types: ['user.**'] });
    await start();
    const event = await accept('a');
    await eventually(async () => expect(await facts()).toMatchObject([{ type: 'event.unrouted', event: event.id, ingest: event.ingest }]));
    await eventually(async () => expect(await left('WEBHOOK_INGEST')).toBe(0));
    expect(await left('WEBHOOK_DELIVERY')).toBe(0);
  });

  it('goes to hundreds of endpoints in one piece', async () => {
    await Promise.all(Array.from({ length: 300 }, () => endpoint()));
    await start();
    await accept('a');
    await eventually(async () => expect(await left('WEBHOOK_DELIVERY')).toBe(300));
    await eventually(async () => expect((await facts()).map(({ type }) => type)).toEqual(['event.accepted']));
  }, 90_000);

  it('that nobody can read is kept as a dead letter of the pipeline', async () => {
    await start();
    await ingest.publish(subject.ingest('fresh', 'acme'), [[header.tenant, 'acme']], Buffer.from('{}'));
    await eventually(async () => expect((await everythingIn('WEBHOOK_DEAD')).map(({ subject: on }) => on)).toEqual(['webhook.dead.pipeline.dedupe']));
    await eventually(async () => expect(await left('WEBHOOK_INGEST')).toBe(0));
  });
});

describe('a repeated id', () => {
  it('is dropped, counted with its original, and a different body is said', async () => {
    await endpoint();
    await start();
    const first = await accept('a');
    await eventually(async () => expect(await left('WEBHOOK_DELIVERY')).toBe(1));
    const repeats = [await accept('a'), await accept('a'), await accept('a', { data: '{"n":2}' })];
    await eventually(async () => expect(await settledSequences()).toEqual([first, ...repeats].map(({ ingest: seq }) => seq)));
    const dropped = (await facts()).flatMap((fact) => (fact.type === 'event.duplicates_dropped' ? fact.originals : []));
    expect(dropped.reduce((sum, { count }) => sum + count, 0)).toBe(3);
    expect(dropped.reduce((sum, { differs = 0 }) => sum + differs, 0)).toBe(1);
    expect(await left('WEBHOOK_DELIVERY')).toBe(1);
    await eventually(async () => expect(await left('WEBHOOK_INGEST')).toBe(0));
  });

  it('is caught by the broker’s own window when this process has just started', async () => {
    await endpoint();
    await start();
    const first = await accept('a');
    await eventually(async () => expect(await settledSequences()).toEqual([first.ingest]));
    await serving?.stop();
    await start();
    const second = await accept('a');
    await eventually(async () => expect(await settledSequences()).toEqual([first.ingest, second.ingest]));
    expect(await left('WEBHOOK_DELIVERY')).toBe(1);
    expect((await facts()).map(({ type }) => type)).toEqual(['event.accepted', 'event.duplicates_dropped']);
  }, 90_000);

  it('in a flood costs thousands of times fewer facts, and every acceptance is settled once', async () => {
    await endpoint();
    await start();
    await Promise.all(Array.from({ length: 5_000 }, (_, n) => accept(`k${n % 5}`)));
    await eventually(async () => expect(await left('WEBHOOK_INGEST')).toBe(0), 60_000);
    expect(await left('WEBHOOK_DELIVERY')).toBe(5);
    expect(await settledSequences()).toEqual(Array.from({ length: 5_000 }, (_, n) => n + 1));
    expect(await left('WEBHOOK_LEDGER')).toBeLessThan(100);
  }, 120_000);
});

describe('when it cannot go on', () => {
  it('waits while DELIVERY is full, loses nothing, and goes on by itself when there is room', async () => {
    await endpoint();
    const { config } = await plane.broker.api<{ config: object }>('STREAM.INFO.WEBHOOK_DELIVERY');
    await plane.broker.api('STREAM.UPDATE.WEBHOOK_DELIVERY', { ...config, max_bytes: 30_000 });
    await start();
    await Promise.all(Array.from({ length: 200 }, (_, n) => accept(`k${n}`)));
    await eventually(async () => expect(await left('WEBHOOK_DELIVERY')).toBeGreaterThan(20));
    expect(await left('WEBHOOK_INGEST')).toBeGreaterThan(50);
    await plane.broker.api('STREAM.UPDATE.WEBHOOK_DELIVERY', { ...config });
    await eventually(async () => expect(await left('WEBHOOK_DELIVERY')).toBe(200), 60_000);
    await eventually(async () => expect(await left('WEBHOOK_INGEST')).toBe(0));
    expect(await settledSequences()).toHaveLength(200);
  }, 120_000);

  it('concludes nothing from a registry that came back empty, and says that it is not ready', async () => {
    await endpoint();
    await start();
    const { config } = await plane.broker.api<{ config: object }>('STREAM.INFO.KV_webhook_endpoints');
    await plane.broker.api('STREAM.DELETE.KV_webhook_endpoints');
    await plane.broker.api('STREAM.CREATE.KV_webhook_endpoints', config);
    await eventually(async () => expect((await fetch(`${serving?.url ?? ''}/readyz`)).status).toBe(503));
    await accept('a');
    const later = performance.now() + 2_000;
    await eventually(() => expect(performance.now()).toBeGreaterThan(later));
    expect([await left('WEBHOOK_INGEST'), await left('WEBHOOK_LEDGER')]).toEqual([1, 0]);
  }, 90_000);
});
