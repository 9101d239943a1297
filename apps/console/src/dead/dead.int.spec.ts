import { deliveryHeaders, deliveryId, header, type DeadReason, type DeliveryMeta } from '@spillway/contracts';
import { Publisher, RawHeaders } from '@spillway/jetstream';
import { newMasterKey } from '@spillway/endpoints';
import { eventually } from '@spillway/testing';
import { subject } from '@spillway/topology';
import { factsOf } from '../../test/facts-of.ts';
import { startConsole, startConsoleAndBroker, type RunningConsole } from '../../test/running-console.ts';
import type { Job } from '../jobs/job.ts';
import type { DeadLetter } from './dead-letter.ts';

const environment = { SPILLWAY_MASTER_KEY: newMasterKey() };
let running: RunningConsole;
let dead: Publisher;
beforeAll(async () => {
  running = await startConsoleAndBroker({}, environment);
  dead = new Publisher(running.plane.broker, 'WEBHOOK_DEAD', { maxWaiting: 20_000 });
});
afterEach(async () => {
  for (const stream of ['WEBHOOK_DEAD', 'WEBHOOK_INGEST']) await running.plane.broker.api(`STREAM.PURGE.${stream}`);
});
afterAll(() => running.stop());

let tenants = 0;
/** A tenant with an endpoint. */
const newTenant = async (over: object = {}): Promise<{ tenant: string; endpoint: string }> => {
  const tenant = `dead-${(tenants += 1)}`;
  const { body } = await running.call('POST', `/v1/tenants/${tenant}/endpoints`, { body: { url: 'https://example.com/hook', ...over } });
  return { tenant, endpoint: String(body['id']) };
};

let made = 0;
/** As a dispatcher or a retrier gives one up. */
const die = async (of: { tenant: string; endpoint: string }, { reason = 'exhausted', app }: { reason?: DeadReason; app?: string } = {}): Promise<DeliveryMeta & { id: string; body: string }> => {
  const eventId = `evt_${String((made += 1)).padStart(20, '0')}`;
  const meta: DeliveryMeta = { eventId, tenant: of.tenant, type: 'invoice.paid', source: `/tenants/${of.tenant}`, acceptedAt: '2026-01-01T00:00:00.000Z', endpointId: of.endpoint, attempt: 10, reason };
  const body = `{"type":"invoice.paid","timestamp":"2026-01-01T00:00:00.000Z","data":{"n":${made}}}`;
  const to = app === undefined ? subject.dead.endpoint(of.tenant) : subject.dead.pipeline(app);
  await dead.publish(to, [...deliveryHeaders(meta), [header.detail, 'status 503'], [header.messageId, `TEST@t0:${made}`]], Buffer.from(body));
  return { ...meta, body, id: deliveryId(eventId, of.endpoint) };
};
const list = async (query = '', key?: string): Promise<{ items: DeadLetter[]; next: string | null }> => (await running.call('GET', `/v1/dead${query}`, key === undefined ? {} : { key })).body as never;
const replay = (body: object, key?: string) => running.call('POST', '/v1/dead/replay', { body, ...(key === undefined ? {} : { key }) });
const jobOf = async (id: unknown, on = running): Promise<Job> => (await on.call('GET', `/v1/jobs/${String(id)}`)).body as never;
const left = async (stream: string): Promise<number> => (await running.plane.broker.api<{ state: { messages: number } }>(`STREAM.INFO.${stream}`)).state.messages;
/** Sets its bytes, or what they were at first. */
const limiterOf = async (stream: string): Promise<(maxBytes?: number) => Promise<unknown>> => {
  const { config } = await running.plane.broker.api<{ config: { max_bytes: number } }>(`STREAM.INFO.${stream}`);
  return (maxBytes = config.max_bytes) => running.plane.broker.api(`STREAM.UPDATE.${stream}`, { ...config, max_bytes: maxBytes });
};
type Stored = { subject: string; headers: RawHeaders; body: string };
const ingested = async (): Promise<Stored[]> => {
  const { state } = await running.plane.broker.api<{ state: { first_seq: number; last_seq: number; messages: number } }>('STREAM.INFO.WEBHOOK_INGEST');
  const stored: Stored[] = [];
  for (let seq = state.first_seq; state.messages > 0 && seq <= state.last_seq; seq += 1) {
    const { message } = await running.plane.broker.api<{ message: { subject: string; hdrs: string; data: string } }>('STREAM.MSG.GET.WEBHOOK_INGEST', { seq });
    stored.push({ subject: message.subject, headers: new RawHeaders(Buffer.from(message.hdrs, 'base64')), body: Buffer.from(message.data, 'base64').toString() });
  }
  return stored;
};

describe('dead letters', () => {
  it('are listed the oldest first, page by page, with why, how often and when', async () => {
    const of = await newTenant();
    const letters = [];
    for (let n = 0; n < 5; n += 1) letters.push(await die(of));
    const first = await list(`?tenant=${of.tenant}&limit=3`);
    expect(first.items[0]).toEqual({ id: letters[0]?.id, by: 'endpoint', reason: 'exhausted', detail: 'status 503', tenant: of.tenant, endpoint: of.endpoint, event: letters[0]?.eventId, type: 'invoice.paid', attempts: 10, acceptedAt: '2026-01-01T00:00:00.000Z', at: expect.any(String) as string });
    const second = await list(`?tenant=${of.tenant}&limit=3&cursor=${first.next ?? ''}`);
    expect([...first.items, ...second.items].map(({ id }) => id)).toEqual(letters.map(({ id }) => id));
    expect(second.next).toBeNull();
  });

  it('are told apart by whose fault, tenant, endpoint, reason and time', async () => {
    const [one, two] = [await newTenant({ uid: 'crm' }), await newTenant()];
    const exhausted = await die(one);
    const gone = await die(two, { reason: 'gone' });
    // a moment of its own between the two: times are told to the millisecond
    const goneBy = new Date().toISOString();
    await eventually(() => expect(new Date().toISOString() > goneBy).toBe(true));
    const between = new Date().toISOString();
    await eventually(() => expect(new Date().toISOString() > between).toBe(true));
    const poison = await die(two, { reason: 'poison', app: 'dispatcher' });
    const ids = async (query: string) => (await list(query)).items.map(({ id }) => id);
    expect(await ids('')).toEqual([exhausted.id, gone.id, poison.id]);
    expect(await ids('?by=endpoint')).toEqual([exhausted.id, gone.id]);
    expect(await ids('?by=pipeline')).toEqual([poison.id]);
    expect(await ids(`?tenant=${two.tenant}`)).toEqual([gone.id, poison.id]);
    expect(await ids(`?tenant=${one.tenant}&endpoint=crm`)).toEqual([exhausted.id]);
    expect(await ids('?reason=gone')).toEqual([gone.id]);
    expect(await ids(`?from=${between}`)).toEqual([poison.id]);
    expect(await ids(`?to=${between}`)).toEqual([exhausted.id, gone.id]);
    expect((await list('?by=pipeline')).items[0]).toMatchObject({ app: 'dispatcher', attempts: 9 });
    for (const query of ['?reason=tired', '?from=yesterday', '?by=us', '?colour=red', '?cursor=x']) expect([query, (await running.call('GET', `/v1/dead${query}`)).status]).toEqual([query, 422]);
  });

  it('are shown whole, also when they were not listed before, and unknown ones are unknown', async () => {
    const of = await newTenant();
    const letter = await die(of);
    for (let n = 0; n < 600; n += 1) void die(of);
    await eventually(async () => expect(await left('WEBHOOK_DEAD')).toBe(601));
    const last = await die(of);
    expect((await running.call('GET', `/v1/dead/${last.id}`)).body).toMatchObject({ id: last.id, body: last.body });
    expect((await running.call('GET', `/v1/dead/${letter.id}`)).body).toMatchObject({ id: letter.id, body: letter.body });
    expect((await running.call('GET', '/v1/dead/dlv_unknown')).body).toMatchObject({ status: 404, code: 'unknown_dead_letter' });
  });

  it('of others are not a tenant’s key’s to see or to replay, nor are the pipeline’s', async () => {
    const [mine, other] = [await newTenant(), await newTenant()];
    const letter = await die(mine);
    const theirs = await die(other);
    await die(mine, { reason: 'poison', app: 'retrier' });
    const key = await running.keyWith(['dead:replay'], mine.tenant);
    expect((await list('', key)).items.map(({ id }) => id)).toEqual([letter.id]);
    expect((await running.call('GET', `/v1/dead?tenant=${other.tenant}`, { key })).body).toMatchObject({ status: 403, code: 'wrong_tenant' });
    expect((await running.call('GET', '/v1/dead?by=pipeline', { key })).status).toBe(403);
    expect((await running.call('GET', `/v1/dead/${theirs.id}`, { key })).status).toBe(404);
    expect((await running.call('POST', `/v1/dead/${theirs.id}/replay`, { key })).status).toBe(404);
    const { body } = await replay({}, key);
    await eventually(async () => expect(await jobOf(body['job'])).toMatchObject({ state: 'done', counts: { replayed: 1 } }));
    expect((await running.call('GET', `/v1/jobs/${String(body['job'])}`, { key })).status).toBe(200);
    expect(await left('WEBHOOK_DEAD')).toBe(2);
    const stranger = await running.keyWith(['dead:replay'], other.tenant);
    expect((await running.call('GET', `/v1/jobs/${String(body['job'])}`, { key: stranger })).status).toBe(404);
    expect((await replay({}, await running.keyWith(['events:read']))).status).toBe(403);
  });
});

describe('a replay', () => {
  it('of one goes to bulk as a delivery of its own, with an acceptance of its own; then it is told, then the letter is gone', async () => {
    const of = await newTenant();
    const letter = await die(of);
    const startedAt = Date.now();
    const first = await running.call('POST', `/v1/dead/${letter.id}/replay`);
    const { body } = await running.call('POST', `/v1/dead/${letter.id}/replay`);
    // asked for twice before it was done, it is the same job; after that the letter is gone
    expect([first.body['job'], undefined]).toContain(body['job']);
    const job = String(first.body['job']);
    await eventually(async () => expect(await jobOf(job)).toMatchObject({ state: 'done', by: 'admin', counts: { meant: 1, replayed: 1, skipped: 0 } }));
    const [sent, ...rest] = await ingested();
    expect([sent?.subject, rest]).toEqual([`webhook.ingest.bulk.${of.tenant}`, []]);
    expect([sent?.body, sent?.headers.get(header.eventId), sent?.headers.get(header.endpoint), sent?.headers.get(header.job)]).toEqual([letter.body, letter.eventId, of.endpoint, job]);
    expect(Date.parse(sent?.headers.get(header.acceptedAt) ?? '')).toBeGreaterThanOrEqual(startedAt);
    expect(sent?.headers.get(header.messageId)).toBe(`${job}:${letter.eventId}:${of.endpoint}`);
    expect(await left('WEBHOOK_DEAD')).toBe(0);
    expect((await factsOf(running.plane, of.tenant)).at(-1)).toMatchObject({ type: 'delivery.replayed', event: letter.eventId, endpoint: of.endpoint, delivery: deliveryId(letter.eventId, of.endpoint, job), job, by: 'admin', replaces: letter.id });
    expect((await running.call('POST', `/v1/dead/${letter.id}/replay`)).body).toMatchObject({ status: 404, code: 'unknown_dead_letter' });
  });

  it('of many means what it names and is dead by now, skips whom nobody can reach, and leaves the rest', async () => {
    const [one, two, deleted] = [await newTenant(), await newTenant(), await newTenant()];
    await Promise.all(Array.from({ length: 250 }, () => die(one)));
    const other = await die(two);
    const kept = await die(deleted);
    await dead.publish(subject.dead.pipeline('dedupe'), [[header.reason, 'unreadable'], [header.messageId, `TEST@t0:x${made}`]], Buffer.from('{}'));
    await running.call('DELETE', `/v1/tenants/${deleted.tenant}/endpoints/${deleted.endpoint}`);
    const { status, body } = await replay({ tenant: one.tenant });
    expect(status).toBe(202);
    await eventually(async () => expect(await jobOf(body['job'])).toMatchObject({ state: 'done', counts: { meant: 250, replayed: 250 } }));
    expect((await list()).items.map(({ id, reason }) => [id, reason]).slice(0, 2)).toEqual([[other.id, 'exhausted'], [kept.id, 'exhausted']]);
    const all = await replay({});
    await eventually(async () => expect(await jobOf(all.body['job'])).toMatchObject({ state: 'done', counts: { meant: 3, replayed: 1, skipped: 2 } }));
    expect((await list()).items.map(({ reason }) => reason)).toEqual(['exhausted', 'unreadable']);
    expect(new Set((await ingested()).map(({ headers }) => headers.get(header.eventId))).size).toBe(251);
  });

  it('goes on with another console when its own stops in the middle, and sends each once', async () => {
    const of = await newTenant();
    await Promise.all(Array.from({ length: 4_000 }, () => die(of)));
    const second = await startConsole(running.plane, environment);
    // 4,000 of some 500 bytes: room for a few, then for half of them, so that it is in the middle of them however late anybody looks
    const limitIngest = await limiterOf('WEBHOOK_INGEST');
    await limitIngest(100_000);
    const { body } = await replay({ tenant: of.tenant });
    await eventually(async () => expect(await jobOf(body['job'])).toMatchObject({ state: 'running', waitsFor: 'ingest' }));
    const { replayed } = (await jobOf(body['job'])).counts;
    expect(replayed).toBeGreaterThan(0);
    await limitIngest(1_000_000);
    await eventually(async () => expect((await jobOf(body['job'])).counts.replayed).toBeGreaterThan(replayed));
    // whoever has the jobs' lease is asked to go
    await running.stopConsole();
    expect(await jobOf(body['job'], second)).toMatchObject({ state: 'running' });
    await limitIngest();
    await eventually(async () => expect(await jobOf(body['job'], second)).toMatchObject({ state: 'done' }), 60_000);
    expect([await left('WEBHOOK_DEAD'), await left('WEBHOOK_INGEST')]).toEqual([0, 4_000]);
    expect(new Set((await ingested()).map(({ headers }) => headers.get(header.eventId))).size).toBe(4_000);
    await second.stop();
    const again = await startConsole(running.plane, environment);
    const { plane } = running;
    running = {
      ...again,
      stop: async () => {
        await again.stop();
        await plane.stop();
      },
    };
  }, 180_000);

  it('waits while INGEST is full, says so, and goes on by itself; a cancelled one stops', async () => {
    const of = await newTenant();
    await Promise.all(Array.from({ length: 300 }, () => die(of)));
    const limitIngest = await limiterOf('WEBHOOK_INGEST');
    await limitIngest(20_000);
    const { body } = await replay({ tenant: of.tenant });
    await eventually(async () => expect(await jobOf(body['job'])).toMatchObject({ state: 'running', waitsFor: 'ingest' }));
    await limitIngest();
    await eventually(async () => expect(await jobOf(body['job'])).toMatchObject({ state: 'done', counts: { meant: 300, replayed: 300, skipped: 0 } }));
    expect([await left('WEBHOOK_DEAD'), await left('WEBHOOK_INGEST')]).toEqual([0, 300]);
    expect(await jobOf(body['job'])).not.toHaveProperty('waitsFor');
    await Promise.all(Array.from({ length: 300 }, () => die(of)));
    await limitIngest(1);
    const stopped = await replay({ tenant: of.tenant });
    await eventually(async () => expect(await jobOf(stopped.body['job'])).toMatchObject({ waitsFor: 'ingest' }));
    expect((await running.call('DELETE', `/v1/jobs/${String(stopped.body['job'])}`)).body).toMatchObject({ state: 'cancelled' });
    await limitIngest();
    const after = await replay({ tenant: 'nobody' });
    await eventually(async () => expect(await jobOf(after.body['job'])).toMatchObject({ state: 'done' }));
    expect([await left('WEBHOOK_DEAD'), (await jobOf(stopped.body['job'])).state]).toEqual([300, 'cancelled']);
  }, 120_000);
});

it('sends an endpoint an event of its own to try it', async () => {
  const { tenant, endpoint } = await newTenant({ types: ['invoice.*'] });
  const path = `/v1/tenants/${tenant}/endpoints/${endpoint}`;
  const { status, body } = await running.call('POST', `${path}/test`);
  expect(status).toBe(202);
  const [sent] = await ingested();
  expect([sent?.subject, sent?.headers.get(header.eventType), sent?.headers.get(header.endpoint), sent?.headers.get(header.eventId)]).toEqual([`webhook.ingest.fresh.${tenant}`, 'webhook.test', endpoint, body['id']]);
  await running.call('PATCH', path, { body: { enabled: false } });
  expect((await running.call('POST', `${path}/test`)).body).toMatchObject({ status: 409, code: 'endpoint_disabled' });
});
