import type { DroppedAtDoor, FactOf } from '@spillway/contracts';
import { eventually } from '@spillway/testing';
import { subject } from '@spillway/topology';
import { post, startIngest, startRig, type Answer, type Rig } from '../../test/rig.ts';
import { startStallingProxy, type StallingProxy } from '../../test/stalling-proxy.ts';

const BATCH = '/v1/events/batch';

let rig: Rig;
beforeAll(async () => {
  rig = await startRig();
});
afterAll(() => rig.stop());

let tenants = 0;
const newTenant = (): string => `r${(tenants += 1)}`;
const event = (tenant: string, fields: Record<string, unknown> = {}): string => JSON.stringify({ tenant, type: 'invoice.paid', id: 'order-1', data: { a: 1 }, ...fields });

type Dropped = FactOf<'event.duplicates_dropped'>;
const droppedOf = async (tenant: string, of = rig): Promise<Dropped[]> => (await of.facts(tenant)).filter((fact): fact is Dropped => fact.type === 'event.duplicates_dropped');
/** How many repeats the ledger counts. */
const countedOf = async (tenant: string, of = rig): Promise<number> => (await droppedOf(tenant, of)).flatMap(({ originals }) => originals).reduce((sum, { count }) => sum + count, 0);
/** Stored, and counted as repeats at the door. */
const booksOf = async (tenant: string, of = rig): Promise<[stored: number, counted: number]> => [(await of.all(tenant)).length, await countedOf(tenant, of)];
const accepted = async (sending: Promise<Answer>): Promise<string> => {
  const { status, id, body } = await sending;
  if (status !== 202) throw new Error(`${status} ${body}`);
  return id;
};
const state = async (url = rig.url): Promise<{ ids: number; idsMax: number; isCounting: boolean }> =>
  ((await (await fetch(`${url}/readyz`)).json()) as { checks: { repeats: { detail: { ids: number; idsMax: number; isCounting: boolean } } } }).checks.repeats.detail;
const metric = async (name: string, url = rig.url): Promise<number> => Number(new RegExp(`^${name} (\\d+)`, 'm').exec(await (await fetch(`${url}/metrics`)).text())?.[1]);

describe('a repeat of what is on disk', () => {
  it('is answered with the same id, without being stored, and is counted in the ledger before', async () => {
    const tenant = newTenant();
    const first = await accepted(rig.post(event(tenant)));
    const before = [await metric('spillway_ingest_duplicates_total'), await metric('spillway_events_accepted_total')] as const;
    const again = await accepted(rig.post(event(tenant)));
    // no waiting: by the time of its answer the fact is there
    expect(await droppedOf(tenant)).toMatchObject([{ v: 1, tenant, app: 'ingest', originals: [{ event: first, by: 'id', count: 1, ingest: [] }] }]);
    expect([again, (await rig.all(tenant)).length]).toEqual([first, 1]);
    expect([await metric('spillway_ingest_duplicates_total'), await metric('spillway_events_accepted_total')]).toEqual([before[0] + 1, before[1]]);
    const { ids, idsMax, isCounting } = await state();
    expect([ids > 0, idsMax, isCounting]).toEqual([true, 65_536, true]);
  });

  it('is one also at another time, in a batch, as a CloudEvent, and by its Idempotency-Key', async () => {
    const tenant = newTenant();
    const cloud = { specversion: '1.0', source: '/shop', type: 'a.b', id: '7', tenant, data: 1 };
    const sends: (() => Promise<Answer>)[] = [
      () => rig.post(event(tenant)),
      () => rig.post(event(tenant, { time: '2026-11-22T10:00:00Z' })),
      () => rig.post(JSON.stringify(cloud), { 'content-type': 'application/cloudevents+json' }),
      () => rig.post(event(tenant, { id: undefined }), { 'idempotency-key': 'key-1' }),
    ];
    const ids: string[] = [];
    for (const send of sends) ids.push(await accepted(send()));
    expect([new Set(ids).size, (await rig.all(tenant)).length, ids[1]]).toEqual([3, 3, ids[0]]);
    const again = await Promise.all(sends.map((send) => accepted(send())));
    expect([again, await booksOf(tenant)]).toEqual([ids, [3, 5]]);
    const batch = await rig.post(`[${event(tenant)},${event(tenant, { id: 'new' })},{},${event(tenant)}]`, {}, BATCH);
    expect([batch.status, batch.results.map(({ status }) => status), batch.results[0]?.id, batch.results[3]?.id]).toEqual([207, [202, 202, 422, 202], ids[0], ids[0]]);
    expect((await rig.all(tenant)).at(-1)?.meta).toMatchObject({ eventId: batch.results[1]?.id, sourceId: 'new' });
    expect(await booksOf(tenant)).toEqual([4, 7]);
  });

  it('in a flood shares its fact with the others of its round', async () => {
    const tenant = newTenant();
    const batch = `[${Array.from({ length: 100 }, (_, n) => event(tenant, { id: `n${n}`, data: n })).join(',')}]`;
    const first = await rig.post(batch, {}, BATCH);
    const answers = await Promise.all(Array.from({ length: 50 }, () => rig.post(batch, {}, BATCH)));
    expect(new Set(answers.map(({ status, body }) => `${status} ${body}`))).toEqual(new Set([`202 ${first.body}`]));
    expect(await booksOf(tenant)).toEqual([100, 5_000]);
    expect((await droppedOf(tenant)).length).toBeLessThanOrEqual(50);
  });

  it('takes no place in its tenant’s share', async () => {
    const small = await startRig({ limits: { maxMessagesPerSubject: { WEBHOOK_INGEST: 2 } } });
    try {
      const ids = [await accepted(small.post(event('acme'))), await accepted(small.post(event('acme', { id: 'order-2' })))];
      const refused = await small.post(event('acme', { id: 'order-3' }));
      expect([refused.status, refused.problem.code]).toEqual([429, 'tenant_quota']);
      expect(await accepted(small.post(event('acme')))).toBe(ids[0]);
      // what was refused is not remembered
      await small.plane.broker.api('STREAM.PURGE.WEBHOOK_INGEST', { filter: subject.ingest('fresh', 'acme'), seq: 100 });
      await eventually(async () => accepted(small.post(event('acme', { id: 'order-3' }))));
      expect(await booksOf('acme', small)).toEqual([1, 1]);
    } finally {
      await small.stop();
    }
  });

  it('is told to dedupe by tenant and type, which watches for storms', async () => {
    const tenant = newTenant();
    let count = 0;
    const heard = rig.plane.broker.nc.subscribe(subject.tellDropped, {
      callback: (_error, message) => {
        for (const dropped of message.json<DroppedAtDoor[]>()) if (dropped.tenant === tenant && dropped.type === 'invoice.paid') count += dropped.count;
      },
    });
    const batch = `[${event(tenant)},${event(tenant)},${event(tenant, { id: undefined })}]`;
    for (let n = 0; n < 3; n += 1) await rig.post(batch, {}, BATCH);
    await eventually(() => expect(count).toBe(4)); // the first two were under way together
    heard.unsubscribe();
  });
});

describe('what is no repeat goes to INGEST, where dedupe judges it', () => {
  it('another body under the same id: other data, another type', async () => {
    const tenant = newTenant();
    const first = await accepted(rig.post(event(tenant)));
    for (const other of [{ data: { a: 2 } }, { type: 'invoice.sent' }, { data: { a: 2 } }]) expect(await accepted(rig.post(event(tenant, other)))).toBe(first);
    expect(await booksOf(tenant)).toEqual([4, 0]);
    expect(await accepted(rig.post(event(tenant)))).toBe(first); // the first one’s body is the event’s
    expect(await booksOf(tenant)).toEqual([4, 1]);
  });

  it('another tenant’s, and what has no key', async () => {
    const [one, other] = [newTenant(), newTenant()];
    await accepted(rig.post(event(one)));
    await accepted(rig.post(event(other)));
    for (let n = 0; n < 2; n += 1) await accepted(rig.post(event(one, { id: undefined })));
    expect([await booksOf(one), await booksOf(other)]).toEqual([[3, 0], [1, 0]]);
  });

  it('what another ingest stored, and everything at a bound of none', async () => {
    const tenant = newTenant();
    await accepted(rig.post(event(tenant)));
    const beside = await startIngest(rig.plane, { SPILLWAY_DOOR_IDS: '0' });
    try {
      for (let n = 0; n < 3; n += 1) await accepted(post(beside.url, event(tenant)));
      expect([await booksOf(tenant), await state(beside.url)]).toEqual([[4, 0], { ids: 0, idsMax: 0, isCounting: true }]);
    } finally {
      await beside.stop();
    }
  });
});

describe('with a broker whose answers are kept back', () => {
  let proxy: StallingProxy;
  beforeAll(async () => {
    proxy = await startStallingProxy(rig.plane.url);
  });
  afterAll(() => proxy.stop());

  it('repeats of what is under way go to INGEST, too, also within one batch', async () => {
    const tenant = newTenant();
    const stalled = await startIngest(rig.plane, { NATS_URL: proxy.url });
    try {
      proxy.hold();
      const sent = [post(stalled.url, event(tenant)), post(stalled.url, `[${event(tenant)},${event(tenant)}]`, {}, BATCH)];
      await eventually(async () => expect((await rig.all(tenant)).length).toBe(3));
      expect((await state(stalled.url)).ids).toBe(0);
      proxy.release();
      expect((await Promise.all(sent)).map(({ status }) => status)).toEqual([202, 202]);
      expect(await booksOf(tenant)).toEqual([3, 0]);
      await accepted(post(stalled.url, event(tenant)));
      expect(await booksOf(tenant)).toEqual([3, 1]);
    } finally {
      proxy.release();
      await stalled.stop();
    }
  });

  it('what had no confirmation in time is not remembered, although it is stored', async () => {
    const tenant = newTenant();
    const stalled = await startIngest(rig.plane, { NATS_URL: proxy.url, SPILLWAY_ACCEPT_DEADLINE_MS: '600' });
    try {
      proxy.hold();
      const unknown = await post(stalled.url, event(tenant));
      expect([unknown.status, unknown.problem.code]).toEqual([503, 'outcome_unknown']);
      await eventually(async () => expect((await rig.all(tenant)).length).toBe(1));
      proxy.release();
      await eventually(async () => accepted(post(stalled.url, event(tenant))));
      expect((await booksOf(tenant))[1]).toBe(0);
    } finally {
      proxy.release();
      await stalled.stop();
    }
  });

  it('none takes longer than the deadline, whether it waits for its fact or for its place on disk', async () => {
    const tenant = newTenant();
    const stalled = await startIngest(rig.plane, { NATS_URL: proxy.url, SPILLWAY_ACCEPT_DEADLINE_MS: '2000' });
    try {
      await eventually(async () => accepted(post(stalled.url, event(tenant))));
      proxy.hold();
      const answers = await Promise.all([post(stalled.url, event(tenant)), post(stalled.url, `[${event(tenant)},${event(tenant)}]`, {}, BATCH)]);
      expect(answers.flatMap(({ status, problem, results }) => results?.map((result) => [result.status, result.problem?.code]) ?? [[status, problem.code]])).toEqual(Array.from({ length: 3 }, () => [503, 'outcome_unknown']));
      for (const { tookMs } of answers) expect(tookMs).toBeLessThan(20_000); // ten times the deadline: a bound for a slow machine
      expect((await state(stalled.url)).isCounting).toBe(false);
      proxy.release();
      await eventually(async () => expect((await state(stalled.url)).isCounting).toBe(true));
      await eventually(async () => {
        const [stored] = await booksOf(tenant);
        await accepted(post(stalled.url, event(tenant)));
        expect((await booksOf(tenant))[0]).toBe(stored);
      });
    } finally {
      proxy.release();
      await stalled.stop();
    }
  });
});

const changeLedger = async (of: Rig, change: object): Promise<void> => {
  const { config } = await of.plane.broker.api<{ config: object }>('STREAM.INFO.WEBHOOK_LEDGER');
  await of.plane.broker.api('STREAM.UPDATE.WEBHOOK_LEDGER', { ...config, ...change });
};

describe('when its fact cannot be written, a repeat goes to INGEST', () => {
  it.each([
    ['refuses', { max_msg_size: 1 }, { max_msg_size: -1 }],
    ['is silent', { subjects: ['nobody.hears.this'] }, { subjects: ['webhook.ledger.*'] }],
  ])('while the ledger %s, and is answered at the door again when it is back', async (_, broken, mended) => {
    const one = await startRig({ env: { SPILLWAY_ACCEPT_DEADLINE_MS: '8000' } });
    try {
      const id = await accepted(one.post(event('acme')));
      await changeLedger(one, broken);
      expect(await accepted(one.post(event('acme')))).toBe(id);
      expect((await one.all('acme')).length).toBe(2);
      // and the next does not wait for what could not be
      expect(await accepted(one.post(event('acme')))).toBe(id);
      expect((await one.all('acme')).length).toBe(3);
      expect(await metric('spillway_ingest_duplicates_let_through_total', one.url)).toBeGreaterThanOrEqual(1);
      await changeLedger(one, mended);
      await eventually(async () => expect((await state(one.url)).isCounting).toBe(true));
      const [stored, counted] = await booksOf('acme', one);
      expect(await accepted(one.post(event('acme')))).toBe(id);
      expect(await booksOf('acme', one)).toEqual([stored, counted + 1]);
    } finally {
      await one.stop();
    }
  });
});

it('everything is forgotten when INGEST is another one', async () => {
  const one = await startRig();
  try {
    await accepted(one.post(event('acme')));
    expect((await state(one.url)).ids).toBe(1);
    await one.plane.broker.api('STREAM.DELETE.WEBHOOK_INGEST');
    await one.plane.provision({ adopt: ['WEBHOOK_INGEST'] });
    await eventually(async () => expect((await state(one.url)).ids).toBe(0));
    const next = await startIngest(one.plane);
    try {
      await accepted(post(next.url, event('acme')));
      expect(await booksOf('acme', one)).toEqual([1, 0]);
    } finally {
      await next.stop();
    }
  } finally {
    await one.stop();
  }
});
