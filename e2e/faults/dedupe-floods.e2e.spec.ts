import type { Fact, FactOf } from '@spillway/contracts';
import { Books, eventually, sendUntilAnswered, startReceiver, type Plane, type Receiver, type ToSend } from '@spillway/testing';
import { onPlaneInView, type BrokerView } from '../broker-view.ts';
import { Flood } from '../load/flood.ts';
import { besides, Neighbour } from '../load/neighbour.ts';

const TENANT = 'flood';
/** The whole one is 10000x100; this is what two cores do in a minute. */
const [UNIQUE, TIMES] = (process.env['SPILLWAY_FLOOD'] ?? '1000x30').split('x').map(Number) as [number, number];
const WITHIN_MS = 600_000;
/** Whether it lasts for a second look at a neighbour, five seconds long, once the originals are through and all that comes are repeats. */
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

/** At its most: of INGEST's bytes, and of the tenant's share, as ingest counts it, of events or of bytes; 0 to 1. */
type Filled = { stream: number; share: number };

const watchBacklog = (plane: Plane, view: BrokerView): { most: Filled; during: <T>(work: () => Promise<T>) => Promise<T> } => {
  const most = { stream: 0, share: 0 };
  let over = false;
  const look = async (): Promise<void> => {
    const text = await (await fetch(`${plane.app('ingest').url}/metrics`)).text();
    most.share = Math.max(most.share, Number(/^spillway_ingest_largest_share_used (\S+)/m.exec(text)?.[1]));
    const { state, config } = await view.broker.api<{ state: { bytes: number }; config: { max_bytes: number } }>('STREAM.INFO.WEBHOOK_INGEST');
    most.stream = Math.max(most.stream, state.bytes / config.max_bytes);
  };
  return {
    most,
    during: async (work) => {
      const looking = eventually(async () => {
        await look();
        if (!over) throw new Error('still watching');
      }, WITHIN_MS);
      try {
        return await work();
      } finally {
        over = true;
        await looking;
      }
    },
  };
};

/** Of what was accepted beyond the originals: how many facts tell of it, and how many of it each app dropped. */
const droppedBy = async (view: BrokerView): Promise<{ facts: number; ingest: number; dedupe: number }> => {
  const facts = await factsOf(view, 'event.duplicates_dropped');
  const by = (app: string): number => facts.filter((fact) => fact.app === app).reduce((sum, { originals }) => sum + originals.reduce((of, { count }) => of + count, 0), 0);
  return { facts: facts.length, ingest: by('ingest'), dedupe: by('dedupe') };
};

const percent = (share: number): string => `${(share * 100).toFixed(2)} %`;
const DUPLICATES = UNIQUE * (TIMES - 1);
const title = `each of ${UNIQUE} events once that are sent ${TIMES} times`;

it(`delivers ${title}, most of them answered at ingest’s door, beside a neighbour`, async () => {
  await onPlaneInView({ redis: true }, async (plane, view) => {
    const steady = (neighbour = await Neighbour.at(plane));
    const beside = (name: string) => steady.send({ name, events: 200, perSecond: 40 });
    // code that has run before: what is measured is the flood, and not the first second of a process
    flood = await Flood.at(plane, { tenant: 'warm', unique: 500, times: 20, withinMs: WITHIN_MS });
    await Promise.all([flood.send(0, 1), beside('warm')]);
    await view.settled(WITHIN_MS);
    await flood.stop();
    const repeated = (flood = await Flood.at(plane, { tenant: TENANT, unique: UNIQUE, times: TIMES, withinMs: WITHIN_MS }));
    const quiet = await beside('quiet');
    const besideRepeats = async () => {
      await eventually(() => expect(repeated.arrived).toBeGreaterThanOrEqual(UNIQUE), WITHIN_MS);
      return beside('repeats');
    };
    const watching = watchBacklog(plane, view);
    const startedAt = performance.now();
    const sending = repeated.send(0, 1).then(() => performance.now() - startedAt);
    const looking = beside('loud').then(async (first) => [first, LASTS ? await besideRepeats() : undefined] as const);
    const [tookMs, [loud, repeats]] = await watching.during(() => Promise.all([sending, looking]));
    await view.settled(WITHIN_MS);
    const { totals, text } = await repeated.report(`a flood of ${UNIQUE} × ${TIMES}`);
    const { facts, ingest, dedupe } = await droppedBy(view);
    process.stdout.write(
      `${text}\n  accepted ${Math.round(repeated.accepted / (tookMs / 1_000))}/s; INGEST was full to ${percent(watching.most.stream)} at most, the tenant’s share of it to ${percent(watching.most.share)}; facts ${facts} for ${DUPLICATES} duplicates (${percent(facts / DUPLICATES)}), ${ingest} of them answered at ingest’s door\n  a neighbour’s ${besides(quiet, loud)}\n${repeats ? `  once all that came were repeats: ${besides(quiet, repeats)}\n` : ''}`,
    );
    expect(totals).toMatchObject({ acknowledged: UNIQUE, delivered: UNIQUE, lost: 0, duplicates: 0, strange: 0 });
    expect(facts).toBeLessThan(0.02 * DUPLICATES);
    // exactly those, unless a batch had to be sent again because its answer was lost: then whatever of it was stored
    expect(ingest + dedupe).toBeGreaterThanOrEqual(DUPLICATES);
    expect(ingest + dedupe).toBeLessThanOrEqual(totals.requests - UNIQUE);
    expect(ingest).toBeGreaterThan(0);
    expect(Math.max(watching.most.stream, watching.most.share)).toBeLessThan(0.1);
    for (const { totals: ofNeighbour } of [quiet, loud]) expect(ofNeighbour).toMatchObject({ acknowledged: 200, delivered: 200, lost: 0, strange: 0 });
  });
});

it(`delivers ${title} and all come to dedupe, which is killed over originals and over repeats, and its Redis once`, async () => {
  await onPlaneInView({ redis: true, env: { ingest: { SPILLWAY_DOOR_IDS: '0' } } }, async (plane, view) => {
    const repeated = (flood = await Flood.at(plane, { tenant: TENANT, unique: UNIQUE, times: TIMES, withinMs: WITHIN_MS }));
    const inHand = async (): Promise<number> => (await view.inFlight('WEBHOOK_INGEST', 'dedupe-fresh')) + (await view.inFlight('WEBHOOK_INGEST', 'dedupe-bulk'));
    const struck: string[] = [];
    const strike = async (what: 'dedupe' | 'redis', share: number): Promise<void> => {
      await eventually(async () => {
        expect(repeated.accepted).toBeGreaterThan(share * UNIQUE * TIMES);
        expect(repeated.arrived).toBeGreaterThan(UNIQUE / 10);
        expect(await inHand()).toBeGreaterThan(0);
      }, WITHIN_MS);
      const over = repeated.fault(`SIGKILL of ${what}`);
      const [arrived, accepted] = [repeated.arrived, repeated.accepted];
      await (what === 'dedupe' ? plane.app('dedupe').restart() : plane.redis.restart());
      over();
      struck.push(`${what} after ${accepted} accepted and ${arrived} delivered`);
    };
    const watching = watchBacklog(plane, view);
    await watching.during(async () => {
      // in thirds, so that it goes on while each of them is struck
      for (const [what, third] of [['dedupe', 0], ['redis', 1], ['dedupe', 2]] as const) await Promise.all([repeated.send(third / 3, (third + 1) / 3), strike(what, third / 3)]);
    });
    await view.settled(WITHIN_MS);
    const { totals, text } = await repeated.report(`a flood of ${UNIQUE} × ${TIMES} without the door`);
    const [{ facts, ingest, dedupe }, routed] = [await droppedBy(view), await factsOf(view, 'event.accepted')];
    process.stdout.write(`${text}\n  struck: ${struck.join('; ')}\n  INGEST was full to ${percent(watching.most.stream)} at most, the tenant’s share of it to ${percent(watching.most.share)}; facts ${facts} for ${DUPLICATES} duplicates (${percent(facts / DUPLICATES)})\n`);
    expect(totals).toMatchObject({ acknowledged: UNIQUE, delivered: UNIQUE, lost: 0, duplicates: 0, strange: 0 });
    expect(facts).toBeLessThan(0.02 * DUPLICATES);
    // whatever was dropped is told; what a crash left open, twice
    expect(routed.length + dedupe).toBeGreaterThanOrEqual(repeated.accepted);
    expect(ingest).toBe(0);
    // of the share it is what comes in while dedupe is gone
    expect(watching.most.stream).toBeLessThan(0.1);
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
    expect((await droppedBy(view)).ingest).toBeGreaterThan(REPEATS / 2); // all, unless the ledger stood still for seconds
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
