import { eventually, startBroker, type TestBroker } from '@spillway/testing';
import { connectTo, makeStream, stateOf } from '../test/given.ts';
import type { Broker } from './broker.ts';
import { BrokerAway, OutcomeUnknown, PublisherSaturated, PublishRefused } from './errors.ts';
import { Publisher } from './publisher.ts';
import { encodeHeaders } from './raw-headers.ts';

let server: TestBroker;
let broker: Broker;
beforeAll(async () => {
  server = await startBroker();
  broker = await connectTo(server);
});
afterAll(async () => {
  await broker.close();
  await server.stop();
});
afterEach(async () => {
  await Promise.all(['WEBHOOK_INGEST', 'WEBHOOK_DELIVERY'].map((name) => broker.api(`STREAM.DELETE.${name}`).catch(() => undefined)));
});

const body = (n: number, bytes = 10): Buffer => Buffer.alloc(bytes, String(n % 10));
const id = (text: string): [string, string][] => [['Nats-Msg-Id', text]];
/** What a batch's members carry more than others. */
const BATCH_HEADER_BYTES = 96;
const settled = <T>(promises: Promise<T>[]): Promise<PromiseSettledResult<T>[]> => Promise.allSettled(promises);
const rejections = (results: PromiseSettledResult<unknown>[]): unknown[] => results.flatMap((result) => (result.status === 'rejected' ? [result.reason as unknown] : []));

/** Sixty at once, every fourth to the same subject. */
const send = (publisher: Publisher, hot: string, from: number) =>
  settled(Array.from({ length: 60 }, (_, n) => publisher.publish(n % 4 === 0 ? hot : `webhook.ingest.fresh.t${from + n}`, [], body(n))));

describe('a publisher', () => {
  it('stores a few and many, each under a sequence of its own, in the order given', async () => {
    await makeStream(broker, 'WEBHOOK_DELIVERY');
    const publisher = new Publisher(broker, 'WEBHOOK_DELIVERY');
    const few = await Promise.all([1, 2, 3].map((n) => publisher.publish('webhook.delivery.fresh.1', [], body(n))));
    const many = await Promise.all(Array.from({ length: 1_200 }, (_, n) => publisher.publish('webhook.delivery.fresh.2', [], body(n))));
    expect(few.map(({ seq }) => seq)).toEqual([1, 2, 3]);
    expect(many.map(({ seq }) => seq)).toEqual(Array.from({ length: 1_200 }, (_, n) => n + 4));
    expect(publisher.waiting).toBe(0);
    const third = await broker.api<{ message: { data: string } }>('STREAM.MSG.GET.WEBHOOK_DELIVERY', { seq: 6 });
    expect(Buffer.from(third.message.data, 'base64')).toEqual(body(2));
  });

  it('says which message was a duplicate, also when one known id refuses a whole batch', async () => {
    await makeStream(broker, 'WEBHOOK_DELIVERY');
    const publisher = new Publisher(broker, 'WEBHOOK_DELIVERY');
    await publisher.publish('webhook.delivery.fresh.1', id('a-77'), body(1));
    const acks = await Promise.all(Array.from({ length: 300 }, (_, n) => publisher.publish('webhook.delivery.fresh.1', id(`a-${n}`), body(n))));
    expect(acks.flatMap(({ duplicate }, n) => (duplicate ? [n] : []))).toEqual([77]);
    expect((await stateOf(broker, 'WEBHOOK_DELIVERY')).messages).toBe(300);
  });

  it('stores many of one caller each for itself, in the order given, and says of each what became of it', async () => {
    await makeStream(broker, 'WEBHOOK_INGEST', { max_msgs_per_subject: 100, discard_new_per_subject: true });
    const publisher = new Publisher(broker, 'WEBHOOK_INGEST', { maxWaiting: 1_000 });
    expect(await publisher.publishEach([])).toEqual([]);
    const messages = Array.from({ length: 900 }, (_, n) => ({ subject: `webhook.ingest.fresh.t${n % 9}`, headers: [], data: body(n) }));
    expect(await publisher.publishEach(messages)).toEqual(messages.map((_, n) => ({ seq: n + 1, duplicate: false })));
    const full = { subject: 'webhook.ingest.fresh.t1', headers: [], data: body(1) };
    const other = { subject: 'webhook.ingest.fresh.other', headers: [], data: body(2) };
    const outcomes = await publisher.publishEach(Array.from({ length: 40 }, (_, n) => (n % 2 === 0 ? full : other)));
    expect(outcomes.map((outcome) => (outcome instanceof PublishRefused ? outcome.kind : outcome instanceof Error))).toEqual(Array.from({ length: 40 }, (_, n) => (n % 2 === 0 ? 'subject_full' : false)));
    const tooMany = await publisher.publishEach(Array.from({ length: 1_002 }, (_, n) => ({ subject: `webhook.ingest.fresh.x${n}`, headers: [], data: body(n) })));
    expect(tooMany.map((outcome, n) => (outcome instanceof PublisherSaturated ? n : -1)).filter((n) => n >= 0)).toEqual([1_000, 1_001]);
    expect([publisher.waiting, (await stateOf(broker, 'WEBHOOK_INGEST')).messages]).toEqual([0, 900 + 20 + 1_000]);
  });

  it('makes groups as large as the server takes them, where asked to, and no larger', async () => {
    await makeStream(broker, 'WEBHOOK_DELIVERY');
    const publisher = new Publisher(broker, 'WEBHOOK_DELIVERY', { maxGroup: 5_000 });
    const messages = Array.from({ length: 2_500 }, (_, n) => ({ subject: 'webhook.delivery.fresh.1', headers: [], data: body(n) }));
    expect(await publisher.publishEach(messages)).toEqual(messages.map((_, n) => ({ seq: n + 1, duplicate: false })));
  });

  it('stores a unit of many all or not at all, and one that is partly known completely', async () => {
    await makeStream(broker, 'WEBHOOK_DELIVERY');
    const publisher = new Publisher(broker, 'WEBHOOK_DELIVERY');
    const unit = (of: string, count: number) => Array.from({ length: count }, (_, n) => ({ subject: 'webhook.delivery.fresh.1', headers: id(`${of}-${n}`), data: body(n) }));
    await publisher.publish('webhook.delivery.fresh.1', id('b-5'), body(1));
    const acks = await publisher.publishTogether(unit('b', 40));
    expect(acks.filter(({ duplicate }) => duplicate)).toHaveLength(1);
    expect((await stateOf(broker, 'WEBHOOK_DELIVERY')).messages).toBe(40);

    await broker.api('STREAM.UPDATE.WEBHOOK_DELIVERY', { ...(await broker.api<{ config: object }>('STREAM.INFO.WEBHOOK_DELIVERY')).config, max_bytes: (await stateOf(broker, 'WEBHOOK_DELIVERY')).bytes + 1_000 });
    await expect(publisher.publishTogether(unit('c', 40))).rejects.toMatchObject({ kind: 'stream_full' });
    expect((await stateOf(broker, 'WEBHOOK_DELIVERY')).messages).toBe(40);
  });

  it('refuses only the subject that is full, whatever shares its batch', async () => {
    await makeStream(broker, 'WEBHOOK_INGEST', { max_msgs_per_subject: 5 });
    const publisher = new Publisher(broker, 'WEBHOOK_INGEST');
    for (let n = 0; n < 5; n += 1) await publisher.publish('webhook.ingest.fresh.hot', [], body(n));
    const results = await settled(Array.from({ length: 200 }, (_, n) => publisher.publish(`webhook.ingest.fresh.${n % 10 === 0 ? 'hot' : `t${n}`}`, [], body(n))));
    const refused = rejections(results);
    expect(refused).toHaveLength(20);
    for (const error of refused) expect(error).toMatchObject({ code: 'SPILLWAY_PUBLISH_REFUSED', kind: 'subject_full', subject: 'webhook.ingest.fresh.hot' });
    expect((await stateOf(broker, 'WEBHOOK_INGEST')).messages).toBe(185);
  });

  it('costs the others one unanswered group at the most when a batch crosses a subject’s cap, and none when it is told', async () => {
    await makeStream(broker, 'WEBHOOK_INGEST', { max_msgs_per_subject: 20 });
    const told = new Publisher(broker, 'WEBHOOK_INGEST');
    told.keepApart('webhook.ingest.fresh.told');
    // twice 15 to a share of 20: the second group would cross it
    const reasons = [...rejections(await send(told, 'webhook.ingest.fresh.told', 0)), ...rejections(await send(told, 'webhook.ingest.fresh.told', 100))];
    expect(reasons).toHaveLength(10);
    for (const error of reasons) expect(error).toMatchObject({ kind: 'subject_full', subject: 'webhook.ingest.fresh.told' });

    const untold = new Publisher(broker, 'WEBHOOK_INGEST');
    await send(untold, 'webhook.ingest.fresh.untold', 200);
    const crossing = rejections(await send(untold, 'webhook.ingest.fresh.untold', 300));
    for (const error of crossing) expect([OutcomeUnknown.name, PublishRefused.name]).toContain((error as Error).name);
    const after = rejections(await send(untold, 'webhook.ingest.fresh.untold', 400));
    for (const error of after) expect(error).toMatchObject({ kind: 'subject_full', subject: 'webhook.ingest.fresh.untold' });
  });

  it('answers a full stream with a refusal, for singles and for batches', async () => {
    await makeStream(broker, 'WEBHOOK_INGEST', { max_bytes: 20_000 });
    const publisher = new Publisher(broker, 'WEBHOOK_INGEST');
    const results = await settled(Array.from({ length: 100 }, (_, n) => publisher.publish('webhook.ingest.fresh.t', [], body(n, 1_000))));
    const one = await publisher.publish('webhook.ingest.fresh.t', [], body(1, 30_000)).catch((error: unknown) => error);
    expect(one).toBeInstanceOf(PublishRefused);
    for (const error of rejections(results)) expect(error).toMatchObject({ kind: 'stream_full' });
    expect((await stateOf(broker, 'WEBHOOK_INGEST')).messages).toBe(results.filter(({ status }) => status === 'fulfilled').length);
  });

  it('refuses what is larger than the broker takes, to the byte, and neither sends nor awaits any of it; what shares its group is stored', async () => {
    await makeStream(broker, 'WEBHOOK_DELIVERY');
    const publisher = new Publisher(broker, 'WEBHOOK_DELIVERY');
    const bytesMax = broker.nc.info?.max_payload ?? 0;
    const headers = id('größte');
    const largest = bytesMax - BATCH_HEADER_BYTES - encodeHeaders(headers).length;
    const sized = (bytes: number, of = headers) => ({ subject: 'webhook.delivery.fresh.1', headers: of, data: body(1, bytes) });
    const outcomes = await publisher.publishEach([...Array.from({ length: 20 }, () => sized(10, [])), sized(largest + 1), sized(largest), sized(2 * bytesMax, [])]);
    expect(outcomes.map((outcome) => (outcome instanceof PublishRefused ? outcome.kind : outcome instanceof Error))).toEqual([...Array.from({ length: 20 }, () => false), 'too_large', false, 'too_large']);
    await expect(publisher.publishTogether([sized(10, []), sized(bytesMax, [])])).rejects.toMatchObject({ code: 'SPILLWAY_PUBLISH_REFUSED', kind: 'too_large', remediation: expect.stringContaining('max_payload') as string });
    await expect(publisher.persist('webhook.delivery.fresh.1', [], body(1, bytesMax))).rejects.toMatchObject({ kind: 'too_large' });
    expect([publisher.waiting, broker.replies.size, (await stateOf(broker, 'WEBHOOK_DELIVERY')).messages]).toEqual([0, 0, 21]);
  });

  it('awaits no answer to what the client did not send', async () => {
    await expect(broker.api('STREAM.NAMES', { subject: 'x'.repeat(broker.nc.info?.max_payload ?? 0) })).rejects.toThrow('max_payload');
    expect(broker.replies.size).toBe(0);
  });

  it('refuses to hold more than its bound, and sends nothing of what it refused', async () => {
    await makeStream(broker, 'WEBHOOK_DELIVERY');
    const publisher = new Publisher(broker, 'WEBHOOK_DELIVERY', { maxWaiting: 50 });
    const results = await settled(Array.from({ length: 80 }, (_, n) => publisher.publish('webhook.delivery.fresh.1', [], body(n))));
    expect(rejections(results)).toHaveLength(30);
    for (const error of rejections(results)) expect(error).toBeInstanceOf(PublisherSaturated);
    expect((await stateOf(broker, 'WEBHOOK_DELIVERY')).messages).toBe(50);
  });
});

describe('while the broker is away', () => {
  it('tells unknown from not sent, keeps nobody beyond the deadline, and persists what is repeated', async () => {
    await makeStream(broker, 'WEBHOOK_DELIVERY');
    const publisher = new Publisher(broker, 'WEBHOOK_DELIVERY', { timeoutMs: 500 });
    server.freeze();
    const sent = await settled(Array.from({ length: 3 }, (_, n) => publisher.publish('webhook.delivery.fresh.1', id(`f-${n}`), body(n))));
    for (const error of rejections(sent)) expect(error).toBeInstanceOf(OutcomeUnknown);
    expect(rejections(sent)).toHaveLength(3);

    const persisted = publisher.persist('webhook.delivery.fresh.1', id('f-0'), body(0));
    await server.kill();
    await eventually(() => expect(broker.connected).toBe(false));
    await expect(publisher.publish('webhook.delivery.fresh.1', [], body(1))).rejects.toBeInstanceOf(BrokerAway);
    await server.restart();
    await persisted;
    await eventually(() => expect(broker.connected).toBe(true));
    expect((await stateOf(broker, 'WEBHOOK_DELIVERY')).messages).toBeGreaterThanOrEqual(1);
  });
});
