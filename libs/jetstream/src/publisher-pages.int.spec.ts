import { isOrderedIngest } from '@spillway/topology';
import { eventually, startBroker, type TestBroker } from '@spillway/testing';
import { connectTo, makeStream, stateOf } from '../test/given.ts';
import type { Broker } from './broker.ts';
import { BrokerAway, OutcomeUnknown, PublisherSaturated } from './errors.ts';
import { PAGE_BYTES } from './bind-pages.ts';
import { Publisher, type Outgoing, type PubAck, type PublisherOptions } from './publisher.ts';
import { everythingIn } from './testing/index.ts';

const STREAM = 'WEBHOOK_INGEST';
const [ONE, OTHER, ORDERED] = ['webhook.ingest.fresh.one', 'webhook.ingest.fresh.other', 'webhook.ingest.ordered.one'] as const;
const pages = (subject: string): boolean => !isOrderedIngest(subject);

let server: TestBroker;
let broker: Broker;
beforeEach(async () => {
  server = await startBroker();
  broker = await connectTo(server);
});
afterEach(async () => {
  await broker.close();
  await server.stop();
});

const open = (options: PublisherOptions = {}, on = broker): Publisher => new Publisher(on, STREAM, { pages, timeoutMs: 30_000, ...options });
const message = (subject: string, n: number, bytes = 10): Outgoing => ({ subject, headers: [['ce-id', String(n)]], data: Buffer.alloc(bytes, String(n % 10)) });
const many = (count: number, subjectOf: (n: number) => string, bytes?: number): Outgoing[] => Array.from({ length: count }, (_, n) => message(subjectOf(n), n, bytes));
const publishAll = (publisher: Publisher, messages: readonly Outgoing[]): Promise<PromiseSettledResult<PubAck>[]> =>
  Promise.allSettled(messages.map(({ subject, headers, data }) => publisher.publish(subject, headers, data)));
const acksOf = (results: readonly PromiseSettledResult<PubAck>[]): PubAck[] => results.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []));
const errorsOf = (results: readonly PromiseSettledResult<PubAck>[]): unknown[] => results.flatMap((result) => (result.status === 'rejected' ? [result.reason as unknown] : []));
/** Of a subject, as its readers see it. */
const idsOn = async (subject: string): Promise<number[]> => (await everythingIn(broker, STREAM)).filter((kept) => kept.subject === subject).map(({ headers }) => Number(headers.get('ce-id')));

describe('a publisher that makes pages', () => {
  it('stores many of few subjects as a few messages, in order, and tells each where it stands', async () => {
    await makeStream(broker, STREAM);
    const publisher = open();
    const messages = many(2_000, (n) => (n % 3 === 0 ? OTHER : ONE));
    const acks = acksOf(await publishAll(publisher, messages));
    const { messages: stored } = await stateOf(broker, STREAM);
    expect([acks.length, publisher.waiting, stored >= 4, stored <= 40]).toEqual([2_000, 0, true, true]);
    for (const subject of [ONE, OTHER]) expect(await idsOn(subject)).toEqual(messages.flatMap((one, n) => (one.subject === subject ? [n] : [])));
    // what is said of each is where it is found
    const places = new Map<string, number>();
    acks.forEach(({ seq, place = 0 }, n) => places.set(`${seq}-${place}`, n));
    expect(places.size).toBe(2_000);
    const said = [...places].toSorted(([a], [b]) => Number(a.split('-')[0]) - Number(b.split('-')[0]) || Number(a.split('-')[1]) - Number(b.split('-')[1]));
    expect((await everythingIn(broker, STREAM)).map(({ headers }) => Number(headers.get('ce-id')))).toEqual(said.map(([, n]) => n));
    expect([publisher.perMessage > 10, Number.isFinite(publisher.perMessage)]).toEqual([true, true]);
  });

  it('leaves a message by itself that is alone, and what is ordered', async () => {
    await makeStream(broker, STREAM);
    const publisher = open();
    expect(await publisher.publish(ONE, [], Buffer.from('x'))).toEqual({ seq: 1, duplicate: false });
    const acks = acksOf(await publishAll(publisher, many(100, () => ORDERED)));
    expect(acks).toEqual(Array.from({ length: 100 }, (_, n) => ({ seq: n + 2, duplicate: false })));
    expect([publisher.perMessage, (await stateOf(broker, STREAM)).messages]).toEqual([1, 101]);
  });

  it('makes each of a call’s messages a part of the page, whatever else is wrong with one of them', async () => {
    await makeStream(broker, STREAM);
    const publisher = open();
    const wrong: Outgoing = { subject: ONE, headers: [['ce-subject', 'a\nb']], data: Buffer.from('x') };
    const large = message(ONE, 4, (broker.nc.info?.max_payload ?? 0) + 1);
    const outcomes = await publisher.publishEach([message(ONE, 0), wrong, message(ONE, 2), message(ONE, 3), large]);
    expect(outcomes.map((outcome) => (outcome instanceof Error ? outcome.message : outcome))).toEqual([
      { seq: 1, duplicate: false, place: 0 },
      'header ce-subject holds a line break',
      { seq: 1, duplicate: false, place: 1 },
      { seq: 1, duplicate: false, place: 2 },
      expect.stringContaining('max_payload'),
    ]);
    expect([publisher.waiting, await idsOn(ONE)]).toEqual([0, [0, 2, 3]]);
  });

  it('knows how many a message holds, also when none of a group could be written down', async () => {
    await makeStream(broker, STREAM);
    const publisher = open();
    await expect(publisher.publish(ONE, [['ce-subject', 'a\nb']], Buffer.from('x'))).rejects.toThrow('line break');
    expect([publisher.perMessage, publisher.waiting]).toEqual([1, 0]);
    await publishAll(publisher, many(20, () => ONE));
    expect(publisher.perMessage).toBeGreaterThan(1);
  });

  it('makes no page larger than the broker’s max_payload, nor than its own bound', async () => {
    await makeStream(broker, STREAM);
    await publishAll(open(), many(600, () => ONE, 1_000));
    const { bytes, messages } = await stateOf(broker, STREAM);
    expect([bytes > 2 * PAGE_BYTES, messages >= 3]).toEqual([true, true]);
    expect(await idsOn(ONE)).toEqual(Array.from({ length: 600 }, (_, n) => n));

    const small = await startBroker({ config: 'max_payload: 8192' });
    const there = await connectTo(small);
    try {
      await makeStream(there, STREAM);
      const publisher = open({}, there);
      // the largest that goes at all goes, too, beside pages that are as full as they may be
      const outcomes = [...(await publishAll(publisher, many(200, () => ONE, 100))), ...(await publishAll(publisher, many(40, () => ONE, 7_950)))];
      expect([errorsOf(outcomes), publisher.waiting]).toEqual([[], 0]);
      expect((await stateOf(there, STREAM)).messages).toBeLessThan(60);
      expect((await everythingIn(there, STREAM)).length).toBe(240);
    } finally {
      await there.close();
      await small.stop();
    }
  });

  it('goes on one by one with a subject that is near its cap, and that one is a page', async () => {
    await makeStream(broker, STREAM, { max_msgs_per_subject: 2, discard_new_per_subject: true });
    const publisher = open();
    publisher.keepApart(ONE);
    const acks = acksOf(await publishAll(publisher, [...many(300, () => ONE), ...many(20, (n) => `webhook.ingest.fresh.t${n}`)]));
    expect([acks.length, (await idsOn(ONE)).length]).toEqual([320, 300]);
  });
});

describe('what is refused', () => {
  it('is refused for each of a page whose subject is full, and for nobody beside it', async () => {
    await makeStream(broker, STREAM, { max_msgs_per_subject: 1, discard_new_per_subject: true });
    const publisher = open();
    await publisher.publish(ONE, [], Buffer.from('first'));
    // more subjects than go singly: one full one refuses a whole batch
    const results = await publishAll(publisher, many(400, (n) => (n % 2 === 0 ? ONE : `webhook.ingest.fresh.t${n % 20}`)));
    const errors = errorsOf(results);
    expect(errors).toHaveLength(200);
    for (const error of errors) expect(error).toMatchObject({ kind: 'subject_full', subject: ONE });
    expect([publisher.waiting, (await everythingIn(broker, STREAM)).length]).toEqual([0, 201]);
  });

  it('is refused for each of a page when the stream is full', async () => {
    await makeStream(broker, STREAM, { max_bytes: 20_000 });
    const publisher = open();
    const errors = errorsOf(await publishAll(publisher, many(100, () => ONE, 1_000)));
    expect(errors).toHaveLength(100);
    for (const error of errors) expect(error).toMatchObject({ kind: 'stream_full' });
    expect([publisher.waiting, (await stateOf(broker, STREAM)).messages]).toEqual([0, 0]);
  });

  it('is not taken beyond the bound, in messages as they are handed over', async () => {
    await makeStream(broker, STREAM);
    const publisher = open({ maxWaiting: 50 });
    const errors = errorsOf(await publishAll(publisher, many(80, () => ONE)));
    expect([errors.length, publisher.waiting, (await everythingIn(broker, STREAM)).length]).toEqual([30, 0, 50]);
    for (const error of errors) expect(error).toBeInstanceOf(PublisherSaturated);
  });

  it('is told to each of a page when the broker does not answer, or is away', async () => {
    await makeStream(broker, STREAM);
    const publisher = open({ timeoutMs: 1_500 });
    server.freeze();
    const unanswered = errorsOf(await publishAll(publisher, many(100, () => ONE)));
    expect(unanswered).toHaveLength(100);
    for (const error of unanswered) expect(error).toBeInstanceOf(OutcomeUnknown);
    expect(publisher.waiting).toBe(0);
    await server.kill();
    await eventually(() => expect(broker.connected).toBe(false));
    const away = errorsOf(await publishAll(publisher, many(100, () => ONE)));
    expect(away).toHaveLength(100);
    for (const error of away) expect(error).toBeInstanceOf(BrokerAway);
    expect(publisher.waiting).toBe(0);
    await server.restart();
    await eventually(() => expect(broker.connected).toBe(true));
    await eventually(async () => expect(acksOf(await publishAll(publisher, many(100, () => OTHER)))).toHaveLength(100));
  });
});

it('makes its groups no larger than it is told', async () => {
  await makeStream(broker, STREAM);
  await publishAll(open({ maxGroupBytes: 1_000 }), many(10, () => ONE, 400));
  expect((await stateOf(broker, STREAM)).messages).toBe(5);
  await publishAll(open({ maxGroupBytes: 1_000 }), many(3, () => ONE, 2_000));
  expect((await stateOf(broker, STREAM)).messages).toBe(8);
  // but a sixteenth of what waits: 15 of them at first, two in the end, where it would be 120 groups of two
  await publishAll(open({ maxGroupBytes: 1_000 }), many(240, () => OTHER, 400));
  expect((await stateOf(broker, STREAM)).messages).toBeLessThan(8 + 60);
});

describe('a publisher that lingers', () => {
  const NEVER_MS = 600_000;

  it('sends when so many are there, and not before', async () => {
    await makeStream(broker, STREAM);
    const publisher = open({ linger: { ms: NEVER_MS, messages: 10 } });
    const nine = publishAll(publisher, many(9, () => ONE));
    await open().publish(OTHER, [], Buffer.from('x'));
    expect([await idsOn(ONE), publisher.waiting]).toEqual([[], 9]);
    await publisher.publish(ONE, [['ce-id', '9']], Buffer.from('x'));
    expect(acksOf(await nine)).toHaveLength(9);
    // one page, and what the other one sent
    expect([await idsOn(ONE), (await stateOf(broker, STREAM)).messages]).toEqual([Array.from({ length: 10 }, (_, n) => n), 2]);
    // what is under way counts no more: these wait for company of their own
    void publishAll(publisher, many(9, () => ONE));
    await open().publish(OTHER, [], Buffer.from('x'));
    expect((await stateOf(broker, STREAM)).messages).toBe(3);
  });

  it('sends what fills a group, however few they are, and what is left of it', async () => {
    await makeStream(broker, STREAM);
    const publisher = open({ linger: { ms: NEVER_MS, messages: 1_000 }, maxGroupBytes: 1_000 });
    const ten = publishAll(publisher, many(10, () => ONE, 600));
    await eventually(async () => expect((await stateOf(broker, STREAM)).messages).toBe(9));
    expect(publisher.waiting).toBe(1); // less than a group
    await publisher.publish(ONE, [], Buffer.alloc(1_000));
    expect(acksOf(await ten)).toHaveLength(10);
  });

  it('sends what there is when the first has waited that long', async () => {
    await makeStream(broker, STREAM);
    const publisher = open({ linger: { ms: 20, messages: 1_000 } });
    expect(acksOf(await publishAll(publisher, many(5, () => ONE)))).toHaveLength(5);
    expect((await stateOf(broker, STREAM)).messages).toBe(1);
  });
});
