import type { Fact, FactOf } from '@spillway/contracts';
import { Books, eventually, sendUntilAnswered, startReceiver, type Receiver, type ToSend } from '@spillway/testing';
import { MIB } from '@spillway/topology';
import { onPlaneInView, type BrokerView } from '../broker-view.ts';
import { Flood } from '../load/flood.ts';
import { besides, Neighbour } from '../load/neighbour.ts';

const TENANT = 'flood';
/** The whole one is 10000x100; this is what two cores do in a minute. */
const [UNIQUE, TIMES] = (process.env['SPILLWAY_FLOOD'] ?? '1000x30').split('x').map(Number) as [number, number];
/** A tenant's share of INGEST, a lane. */
const SHARE_MESSAGES = 200_000;
const WITHIN_MS = 600_000;
/** Whether its first half lasts for a second look at a neighbour, five seconds long, once the originals are through and all that comes are repeats. */
const LASTS = UNIQUE * TIMES >= 500_000;

let receiver: Receiver;
let neighbour: Neighbour | undefined;
let flood: Flood | undefined;
let books: Books;
beforeEach(async () => {
  books = new Books(() => ['0']);
  receiver = await startReceiver((request) => {
    books.arrived(request);
    return 200;
  });
});
afterEach(async () => {
  await Promise.all([receiver.stop(), neighbour?.stop(), flood?.stop()]);
  [neighbour, flood] = [undefined, undefined];
});

const factsOf = async <T extends Fact['type']>(view: BrokerView, type: T): Promise<FactOf<T>[]> =>
  (await view.facts(TENANT)).filter((fact): fact is FactOf<T> => fact.type === type);

/** Of INGEST's limits, in messages of a tenant and in bytes, and whichever is nearer; a page of many events is one message, and all of its bytes. */
type Filled = { messages: number; bytes: number; share: number };
const NOTHING: Filled = { messages: 0, bytes: 0, share: 0 };

const filled = async (view: BrokerView): Promise<Filled> => {
  const { state, config } = await view.broker.api<{ state: { messages: number; bytes: number }; config: { max_bytes: number } }>('STREAM.INFO.WEBHOOK_INGEST');
  return { messages: state.messages, bytes: state.bytes, share: Math.max(state.messages / SHARE_MESSAGES, state.bytes / config.max_bytes) };
};

/** The largest backlog, looked at until it is told to stop. */
const watchBacklog = (view: BrokerView): { stop: () => Promise<Filled> } => {
  let most = NOTHING;
  let over = false;
  const running = eventually(async () => {
    // the broker may be slow to say it under load, and says it the next time
    const now = await filled(view).catch(() => NOTHING);
    if (now.share > most.share) most = now;
    if (!over) throw new Error('still watching');
  }, WITHIN_MS);
  return {
    stop: async () => {
      over = true;
      await running;
      return most;
    },
  };
};

it(`delivers each of ${UNIQUE} events once that are sent ${TIMES} times, while dedupe is killed twice and Redis once`, async () => {
  await onPlaneInView({ redis: true }, async (plane, view) => {
    const steady = await Neighbour.at(plane);
    neighbour = steady;
    const beside = (name: string) => steady.send({ name, events: 200, perSecond: 40 });
    // code that has run before: what is measured is the flood, and not the first second of a process
    flood = await Flood.at(plane, { tenant: 'warm', unique: 500, times: 20, withinMs: WITHIN_MS });
    await Promise.all([flood.send(0, 1), beside('warm')]);
    await view.settled();
    await flood.stop();
    const repeated = (flood = await Flood.at(plane, { tenant: TENANT, unique: UNIQUE, times: TIMES, withinMs: WITHIN_MS }));
    const quiet = await beside('quiet');
    const watching = watchBacklog(view);
    const startedAt = performance.now();
    const besideRepeats = async () => {
      await eventually(() => expect(repeated.arrived).toBeGreaterThanOrEqual(UNIQUE), WITHIN_MS);
      return beside('repeats');
    };
    // what it costs a neighbour is seen in the first half: in the second dedupe itself is gone for seconds, and that is not the flood's doing
    const [, [loud, repeats]] = await Promise.all([repeated.send(0, 0.5), beside('loud').then(async (first) => [first, LASTS ? await besideRepeats() : undefined] as const)]);
    const sending = repeated.send(0.5, 1);
    const killing = (async () => {
      for (const [share, what] of [[0.55, 'dedupe'], [0.7, 'redis'], [0.85, 'dedupe']] as const) {
        await eventually(() => expect(repeated.accepted).toBeGreaterThan(share * UNIQUE * TIMES), WITHIN_MS);
        const over = repeated.fault(`SIGKILL of ${what}`);
        await (what === 'dedupe' ? plane.app('dedupe').restart() : plane.redis.restart());
        over();
      }
    })();
    await Promise.all([sending, killing]);
    const seconds = (performance.now() - startedAt) / 1_000;
    await view.settled(WITHIN_MS);
    const most = await watching.stop();
    const [facts, routed] = [await factsOf(view, 'event.duplicates_dropped'), await factsOf(view, 'event.accepted')];
    const { accepted } = repeated;
    const { totals, text } = await repeated.report(`a flood of ${UNIQUE} × ${TIMES}`);
    const duplicates = accepted - UNIQUE;
    const counted = facts.flatMap(({ app, originals }) => originals.map(({ count }) => ({ app, count })));
    const atTheDoor = counted.reduce((sum, { app, count }) => (app === 'ingest' ? sum + count : sum), 0);
    process.stdout.write(
      `${text}\n  accepted ${Math.round(accepted / seconds)}/s; largest backlog ${most.messages} messages, ${(most.bytes / MIB).toFixed(1)} MiB: ${(most.share * 100).toFixed(1)} % of the limit; facts ${facts.length} for ${duplicates} duplicates (${((facts.length / duplicates) * 100).toFixed(2)} %), ${atTheDoor} of them answered at ingest’s door\n  a neighbour’s ${besides(quiet, loud)}\n${repeats ? `  once all that came were repeats: ${besides(quiet, repeats)}\n` : ''}`,
    );
    expect(totals).toMatchObject({ acknowledged: UNIQUE, delivered: UNIQUE, lost: 0, duplicates: 0, strange: 0 });
    expect(facts.length).toBeLessThan(0.02 * duplicates);
    // whatever was answered is told, at the door or behind it; what a crash left open, twice
    expect(routed.length + counted.reduce((sum, { count }) => sum + count, 0)).toBeGreaterThanOrEqual(accepted);
    expect(atTheDoor).toBeGreaterThan(0);
    // at CI scale there are not that many to wait; at 10000x100 there are
    expect(most.share).toBeLessThan(0.1);
    for (const { totals: ofNeighbour } of [quiet, loud]) expect(ofNeighbour).toMatchObject({ acknowledged: 200, delivered: 200, lost: 0, strange: 0 });
  });
});

it('a storm by id is named although ingest answers nearly all of it at its door', async () => {
  const REPEATS = 2_000;
  const event: ToSend = { id: 'once', tenant: TENANT, type: 'kind.0', data: '{"n":1}' };
  await onPlaneInView({}, async (plane, view) => {
    await plane.createEndpoint(TENANT, { url: `${receiver.url}/0` });
    const producer = { url: plane.app('ingest').url, key: plane.adminKey, onTried: books.tried };
    await sendUntilAnswered({ ...producer, events: [event] });
    await sendUntilAnswered({ ...producer, events: Array.from({ length: REPEATS }, () => event), connections: 4, batchOf: 100 });
    const [storm] = await eventually(async () => {
      const found = await factsOf(view, 'dedupe.storm');
      if (found.length === 0) throw new Error('no storm was named');
      return found;
    }, 60_000);
    expect(storm).toMatchObject({ tenant: TENANT, eventType: 'kind.0', by: 'id' });
    await view.settled();
    const dropped = (await factsOf(view, 'event.duplicates_dropped')).filter(({ app }) => app === 'ingest').flatMap(({ originals }) => originals.map(({ count }) => count));
    expect(dropped.reduce((sum, count) => sum + count, 0)).toBeGreaterThan(REPEATS / 2); // all, unless the ledger stood still for seconds
    expect(books.totals()).toMatchObject({ acknowledged: 1, delivered: 1, lost: 0, duplicates: 0, strange: 0 });
  });
});

const arrivalsByInvoice = (): Map<number, number> => {
  const counts = new Map<number, number>();
  for (const { body } of receiver.requests) {
    const { invoice } = (JSON.parse(body.toString()) as { data: { invoice: number } }).data;
    counts.set(invoice, (counts.get(invoice) ?? 0) + 1);
  }
  return counts;
};

describe('the same flood by content: new ids, the same but for when it was sent', () => {
  const invoices = UNIQUE / 5;
  const events = (name: string): ToSend[] =>
    Array.from({ length: invoices * TIMES }, (_, i) => ({ id: `${name}-${i}`, tenant: TENANT, type: 'invoice.paid', data: `{"invoice":${i % invoices},"sentAt":"${new Date(Date.now() + i).toISOString()}"}` }));
  it('without a rule is delivered whole, and named within a minute; with the rule that the name suggests, each is delivered once', async () => {
    // Redis answers late on a busy machine, and what it does not answer within 50 ms passes: here that would be a content delivered twice
    const env = { dedupe: { SPILLWAY_DEDUPE_REDIS_TIMEOUT_MS: '5000' } };
    await onPlaneInView({ redis: true, env }, async (plane, view) => {
      await plane.createEndpoint(TENANT, { url: `${receiver.url}/0` });
      const producer = { url: plane.app('ingest').url, key: plane.adminKey, connections: 32, onTried: books.tried };
      const startedAt = performance.now();
      await sendUntilAnswered({ ...producer, events: events('without') });
      const [storm] = await eventually(async () => {
        const found = await factsOf(view, 'dedupe.storm');
        if (found.length === 0) throw new Error('no storm was named');
        return found;
      }, 60_000);
      const namedAfterMs = Math.round(performance.now() - startedAt);
      await view.settled();
      expect(receiver.requests).toHaveLength(invoices * TIMES);
      expect(namedAfterMs).toBeLessThan(60_000);
      expect(storm).toMatchObject({ tenant: TENANT, eventType: 'invoice.paid', by: 'content', rule: { type: 'invoice.paid', ignore: ['data.sentAt'] } });

      const { status } = await plane.ask('POST', `${plane.app('console').url}/v1/dedupe/rules`, storm?.rule);
      expect(status).toBe(201);
      await eventually(async () => expect((await plane.app('dedupe').readiness()).body).toContain('"rules":1'), 2_000);
      receiver.requests.length = 0;
      await sendUntilAnswered({ ...producer, events: events('with') });
      await view.settled();
      const counts = arrivalsByInvoice();
      process.stdout.write(`the storm was named after ${namedAfterMs} ms; with its rule ${invoices * TIMES} events became ${receiver.requests.length} deliveries\n`);
      expect([counts.size, Math.max(...counts.values())]).toEqual([invoices, 1]);
      const originals = (await factsOf(view, 'event.duplicates_dropped')).flatMap((fact) => fact.originals);
      expect(originals.every(({ by, dropped, count }) => by === 'content' && dropped?.length === count)).toBe(true);
    });
  });
});
