import type { Fact } from '@spillway/contracts';
import { DISABLE_AFTER_MS, type Outcome } from '@spillway/delivery';
import { EndpointRegistry, EndpointStore, newMasterKey, parseMasterKeys, type EndpointDraft, type EndpointRecord } from '@spillway/endpoints';
import { Publisher, RawHeaders } from '@spillway/jetstream';
import { startPlaneBroker, testLog, type PlaneBroker } from '@spillway/jetstream/testing';
import { newSecret } from '@spillway/standard-webhooks';
import { eventually } from '@spillway/testing';
import { EndpointLife } from './endpoint-life.ts';
import { OperationalEvents } from './operational-events.ts';

const began = Date.parse('2026-02-01T00:00:00.000Z');
const masterKeys = parseMasterKeys(newMasterKey());
let plane: PlaneBroker;
let registry: EndpointRegistry;
let store: EndpointStore;
let clockMs = began;
const now = (): Date => new Date(clockMs);
const lives: EndpointLife[] = [];
const facts: Fact[] = [];
let tenants = 0;

beforeAll(async () => {
  plane = await startPlaneBroker();
  registry = await EndpointRegistry.open(plane.broker, { log: testLog });
  await registry.bucket.whenReady();
  store = new EndpointStore(registry, { masterKeys, now });
});
beforeEach(() => {
  clockMs = began;
  facts.length = 0;
});
afterEach(async () => {
  for (const life of lives.splice(0)) life.close();
  await plane.broker.api('STREAM.PURGE.WEBHOOK_INGEST');
});
afterAll(async () => {
  registry.close();
  await plane.stop();
});

/** As one process has it; two of them stand for a dispatcher and a retrier, or for one that was started again. */
const newLife = (app = 'dispatcher', onTell: (told: boolean) => unknown = () => undefined): EndpointLife => {
  const operational = new OperationalEvents(registry, new Publisher(plane.broker, 'WEBHOOK_INGEST'), testLog);
  const events: Pick<OperationalEvents, 'tell'> = {
    tell: async (...event) => {
      const told = await operational.tell(...event);
      onTell(told);
      return told;
    },
  };
  const life = new EndpointLife({ app, registry, store, events, log: testLog, now, record: async (_, fact) => void facts.push(fact) });
  lives.push(life);
  return life;
};
const newTenant = (): string => `life-${(tenants += 1)}`;
const endpointOf = (tenant: string, draft: Partial<EndpointDraft> = {}): Promise<EndpointRecord> => store.create(tenant, { url: 'https://example.com/hook', enabled: true, ...draft }, newSecret());
const failed: Outcome = { kind: 'failed', reason: 'status', status: 503 };
const gone: Outcome = { kind: 'failed', reason: 'status', status: 410 };
const delivered: Outcome = { kind: 'delivered', status: 204 };
const current = ({ id }: EndpointRecord): EndpointRecord => registry.get(id) as EndpointRecord;
/** One more attempt, of the endpoint as it stands. */
const attempt = (life: EndpointLife, record: EndpointRecord, outcome: Outcome, ours = false): void => life.note(current(record), outcome, ours);
const revisionOf = ({ id }: EndpointRecord): number => registry.bucket.get(`endpoint.${id}`)?.revision ?? 0;

type Sent = { to: string; type: string; endpoint: string; body: { type: string; data: Record<string, unknown> }; id: string };
const sentEvents = async (): Promise<Sent[]> => {
  const { state } = await plane.broker.api<{ state: { first_seq: number; last_seq: number; messages: number } }>('STREAM.INFO.WEBHOOK_INGEST');
  const sent: Sent[] = [];
  for (let seq = Math.max(1, state.first_seq); seq <= state.last_seq && state.messages > 0; seq += 1) {
    const { message } = await plane.broker.api<{ message: { subject: string; hdrs: string; data: string } }>('STREAM.MSG.GET.WEBHOOK_INGEST', { seq });
    const headers = new RawHeaders(Buffer.from(message.hdrs, 'base64'));
    const body = JSON.parse(Buffer.from(message.data, 'base64').toString()) as Sent['body'];
    sent.push({ to: message.subject, type: headers.get('ce-type') ?? '', endpoint: headers.get('Webhook-Endpoint') ?? '', id: headers.get('ce-id') ?? '', body });
  }
  return sent;
};

describe('an endpoint that fails', () => {
  it('says since when and how, with one write, and is well after a success that the other app had', async () => {
    const record = await endpointOf(newTenant());
    const [dispatcher, retrier] = [newLife(), newLife('retrier')];
    for (let n = 0; n < 50; n += 1) attempt(dispatcher, record, failed);
    await eventually(() => expect(current(record)).toMatchObject({ failingSince: '2026-02-01T00:00:00.000Z', failedWith: { kind: 'status', status: 503 } }));
    const revision = revisionOf(record);
    for (let n = 0; n < 50; n += 1) attempt(dispatcher, record, failed);
    await eventually(() => expect(dispatcher.unwritten).toBe(0), 60_000);
    expect(revisionOf(record)).toBe(revision);
    attempt(retrier, record, delivered);
    await eventually(() => expect(current(record).failingSince).toBeUndefined());
    expect(current(record).failedWith).toBeUndefined();
  }, 120_000);

  it('that fails and recovers by turns costs a few writes, and what was last is what stands', async () => {
    const record = await endpointOf(newTenant());
    const life = newLife();
    const before = revisionOf(record);
    for (let n = 0; n < 1_000; n += 1) attempt(life, record, n % 2 === 0 ? failed : delivered);
    await eventually(() => expect(life.unwritten).toBe(0), 60_000);
    expect(current(record).failingSince).toBeUndefined();
    // revisions are the bucket’s: one is the list it was put on when it was made
    expect(revisionOf(record) - before).toBeLessThanOrEqual(1 + 2);
  }, 90_000);

  it('warns twice on the way and is disabled after five days, each told once by either app', async () => {
    const tenant = newTenant();
    const record = await endpointOf(tenant, { uid: 'crm' });
    const watcher = await endpointOf(tenant, { types: ['endpoint.*'], url: 'https://example.com/ops' });
    await endpointOf(tenant, { url: 'https://example.com/everything' });
    await endpointOf(tenant, { url: 'https://example.com/wild', types: ['**'] });
    const system = await endpointOf('_system', { url: 'https://example.com/system' });
    attempt(newLife(), record, failed);
    await eventually(() => expect(current(record).failingSince).toBeDefined());
    for (const [share, told] of [[0.2, 1], [0.8, 2]] as const) {
      clockMs = began + share * DISABLE_AFTER_MS;
      attempt(newLife(), record, failed);
      attempt(newLife('retrier'), record, failed);
      await eventually(() => expect(current(record).failingTold).toBe(told));
    }
    const warnings = await sentEvents();
    // both may have said it: under one id, and dedupe lets one through
    expect(new Set(warnings.map(({ id }) => id)).size).toBe(4);
    expect(new Set(warnings.map(({ to, endpoint, type }) => [to, endpoint, type].join(' ')))).toEqual(
      new Set([`webhook.ingest.fresh._system ${system.id} endpoint.failing`, `webhook.ingest.fresh.${tenant} ${watcher.id} endpoint.failing`]),
    );
    expect(warnings[0]?.body).toMatchObject({ type: 'endpoint.failing', data: { tenant, endpoint: record.id, uid: 'crm', failingSince: '2026-02-01T00:00:00.000Z', disabledAt: '2026-02-06T00:00:00.000Z', firstFailure: { status: 503 } } });
    expect(current(record).enabled).toBe(true);
    clockMs = began + DISABLE_AFTER_MS;
    attempt(newLife('retrier'), record, failed);
    attempt(newLife(), record, failed);
    await eventually(() => expect(current(record)).toMatchObject({ enabled: false, disabledReason: 'failing' }));
    const said = (await sentEvents()).filter(({ type }) => type === 'endpoint.disabled');
    expect(new Set(said.map(({ id }) => id)).size).toBe(2);
    // told before it is written: both may have said it
    for (const fact of facts) expect(fact).toMatchObject({ type: 'endpoint.disabled', tenant, endpoint: record.id, reason: 'failing' });
    expect([facts.length > 0, facts.length <= 2]).toEqual([true, true]);
    await store.remove('_system', system.id);
  });

  it('is not taken for warned of by who saw an older record, and warns once it has caught up', async () => {
    const system = await endpointOf('_system', { url: 'https://example.com/system' });
    const record = await endpointOf(newTenant());
    await store.change(record.tenant, record.id, (known) => ({ ...known, failingSince: new Date(began - 0.3 * DISABLE_AFTER_MS).toISOString() }));
    await eventually(() => expect(current(record).failingSince).toBeDefined());
    let behind = true;
    const events = new OperationalEvents(registry, new Publisher(plane.broker, 'WEBHOOK_INGEST'), testLog);
    const view = { get: (id: string) => (behind ? record : registry.get(id)) };
    let written = 0;
    const counted: Pick<EndpointStore, 'change'> = {
      change: async (...change) => {
        const changed = await store.change(...change);
        written += 1;
        return changed;
      },
    };
    const life = new EndpointLife({ app: 'dispatcher', registry: view, store: counted, events, log: testLog, now, record: async (_, fact) => void facts.push(fact) });
    lives.push(life);
    life.note(record, failed, false);
    // it has met the newer record, and is to look again
    await eventually(() => expect([written > 0, life.unwritten]).toEqual([true, 1]));
    expect([current(record).failingTold, await sentEvents()]).toEqual([undefined, []]);
    behind = false;
    await eventually(() => expect(current(record).failingTold).toBe(1), 60_000);
    expect((await sentEvents()).map(({ type }) => type)).toEqual(['endpoint.failing']);
    await store.remove('_system', system.id);
  }, 120_000);

  it('is not disabled when the fault is ours, however long it lasts', async () => {
    const record = await endpointOf(newTenant());
    const life = newLife();
    attempt(life, record, { kind: 'failed', reason: 'dns_error' }, true);
    clockMs = began + 2 * DISABLE_AFTER_MS;
    attempt(life, record, { kind: 'failed', reason: 'dns_error' }, true);
    expect(life.unwritten).toBe(0);
    expect([current(record).enabled, current(record).failingSince]).toEqual([true, undefined]);
  });

  it('is still warned of when there was no room to say so', async () => {
    const tenant = newTenant();
    const record = await endpointOf(tenant);
    await endpointOf(tenant, { types: ['endpoint.failing'] });
    attempt(newLife(), record, failed);
    await eventually(() => expect(current(record).failingSince).toBeDefined());
    const { config } = await plane.broker.api<{ config: { max_bytes: number } }>('STREAM.INFO.WEBHOOK_INGEST');
    await plane.broker.api('STREAM.UPDATE.WEBHOOK_INGEST', { ...config, max_bytes: 1 });
    clockMs = began + 0.3 * DISABLE_AFTER_MS;
    let refused = 0;
    const life = newLife('dispatcher', (told) => (refused += told ? 0 : 1));
    attempt(life, record, failed);
    await eventually(() => expect([refused > 0, life.unwritten]).toEqual([true, 1]));
    expect(current(record).failingTold).toBeUndefined();
    await plane.broker.api('STREAM.UPDATE.WEBHOOK_INGEST', config);
    await eventually(() => expect(current(record).failingTold).toBe(1), 60_000);
    expect(await sentEvents()).toHaveLength(1);
  }, 90_000);
});

describe('an endpoint that is gone', () => {
  it('is disabled at once, told once at most by each of the two apps that meet it, and skipped when it was deleted meanwhile', async () => {
    const tenant = newTenant();
    const record = await endpointOf(tenant);
    const deleted = await endpointOf(tenant);
    const [dispatcher, retrier] = [newLife(), newLife('retrier')];
    const seen = current(deleted);
    await store.remove(tenant, deleted.id);
    dispatcher.note(seen, gone, false);
    attempt(dispatcher, record, gone);
    attempt(retrier, record, gone);
    await eventually(() => expect(current(record)).toMatchObject({ enabled: false, disabledReason: 'gone' }));
    await eventually(() => expect([dispatcher.unwritten, retrier.unwritten]).toEqual([0, 0]));
    for (const fact of facts) expect(fact).toMatchObject({ type: 'endpoint.disabled', endpoint: record.id, reason: 'gone' });
    expect(new Set(facts.map((fact) => fact.type === 'endpoint.disabled' && fact.by)).size).toBe(facts.length);
    expect([facts.length > 0, current(deleted).state]).toEqual([true, 'deleted']);
  });

  it('is told before it is disabled: when a process ends in between, the next one says it again, under the same id', async () => {
    const tenant = newTenant();
    const record = await endpointOf(tenant);
    await endpointOf(tenant, { types: ['endpoint.disabled'] });
    const events = new OperationalEvents(registry, new Publisher(plane.broker, 'WEBHOOK_INGEST'), testLog);
    let tries = 0;
    const ends = { change: () => Promise.reject(new Error(`ended at try ${(tries += 1)}`)) };
    const ended = new EndpointLife({ app: 'dispatcher', registry, store: ends, events, log: testLog, now, record: async (_, fact) => void facts.push(fact) });
    lives.push(ended);
    attempt(ended, record, gone);
    await eventually(() => expect(tries).toBeGreaterThan(1));
    ended.close();
    // however often it tried: said once
    expect([current(record).enabled, facts.length, (await sentEvents()).length]).toEqual([true, 1, 1]);
    clockMs += 60_000;
    attempt(newLife('retrier'), record, gone);
    await eventually(() => expect(current(record)).toMatchObject({ enabled: false, disabledReason: 'gone' }));
    expect(facts).toMatchObject([{ by: 'dispatcher' }, { type: 'endpoint.disabled', endpoint: record.id, by: 'retrier', reason: 'gone' }]);
    const told = await sentEvents();
    expect([told.length, new Set(told.map(({ id }) => id)).size]).toEqual([2, 1]);
    // enabled by its owner and gone once more: that is another time
    await store.change(tenant, record.id, (known) => ({ ...known, enabled: true, updatedAt: now().toISOString() }));
    attempt(newLife(), record, gone);
    await eventually(() => expect(current(record).enabled).toBe(false));
    expect(new Set((await sentEvents()).map(({ id }) => id)).size).toBe(2);
  }, 90_000);

  it('stays enabled until the ledger has it', async () => {
    const record = await endpointOf(newTenant());
    let refusals = 0;
    const events = new OperationalEvents(registry, new Publisher(plane.broker, 'WEBHOOK_INGEST'), testLog);
    const told = async (_: string, fact: Fact): Promise<void> => {
      expect(current(record).enabled).toBe(true);
      if (refusals++ === 0) throw new Error('the ledger was closed');
      facts.push(fact);
    };
    const life = new EndpointLife({ app: 'dispatcher', registry, store, events, log: testLog, now, record: told });
    lives.push(life);
    attempt(life, record, gone);
    await eventually(() => expect(current(record).enabled).toBe(false));
    expect(facts).toMatchObject([{ type: 'endpoint.disabled', endpoint: record.id, reason: 'gone' }]);
  });

  it('is disabled also while there is no room for the event, which follows', async () => {
    const tenant = newTenant();
    const record = await endpointOf(tenant);
    await endpointOf(tenant, { types: ['endpoint.disabled'] });
    const { config } = await plane.broker.api<{ config: { max_bytes: number } }>('STREAM.INFO.WEBHOOK_INGEST');
    await plane.broker.api('STREAM.UPDATE.WEBHOOK_INGEST', { ...config, max_bytes: 1 });
    attempt(newLife(), record, gone);
    await eventually(() => expect(current(record)).toMatchObject({ enabled: false, disabledReason: 'gone' }));
    expect(await sentEvents()).toEqual([]);
    await plane.broker.api('STREAM.UPDATE.WEBHOOK_INGEST', config);
    await eventually(async () => expect((await sentEvents()).map(({ type, body: { data } }) => [type, data['endpoint'], data['reason']])).toEqual([['endpoint.disabled', record.id, 'gone']]));
  });
});
