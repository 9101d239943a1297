import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { deliveryHeaders, header, newEventId, type DeliveryMeta, type Fact } from '@spillway/contracts';
import { eventually, sendUntilAnswered, startReceiver, type AppName, type Plane, type Received, type Receiver } from '@spillway/testing';
import { shardOf, subject } from '@spillway/topology';
import { onPlaneInView, type BrokerView } from '../broker-view.ts';
import { keepAlive, type KeptAlive } from './kept-alive.ts';

/** In flight beside each other at each app when it dies. */
const IN_FLIGHT = 300;
/** In the middle of them. */
const POISON_AT = 150;
const BATCH = 100;
/** A batch may be cut in two where one group ends and the next begins. */
const PAGES_MAX = 2 * (IN_FLIGHT / BATCH);
const PROBE_EVERY_MS = 500;
/** Two in which everything in flight had part, three of its own. */
const CRASHES = 5;
const UNCHARGED_MAX = 3;
/** The target: others are delayed by no more than this for each crash. */
const DELAY_A_CRASH_MS = 10_000;
const ENDS_WITHIN_MS = 300_000;
const TYPE = 'order.placed';

/** Where each app finds its messages, and what the one does to it. */
const fleet = { dedupe: { tenant: 'routed', how: 'kill' }, dispatcher: { tenant: 'first', how: 'kill' }, retrier: { tenant: 'later', how: 'block' } } as const;
type Poisoned = keyof typeof fleet;
const apps = Object.keys(fleet) as Poisoned[];

type Arrival = { n: number; at: number };
let arrivals: Map<string, Arrival[]>;
let receiver: Receiver;
beforeEach(async () => {
  arrivals = new Map();
  receiver = await startReceiver(({ url, body, at }: Received) => {
    const { n } = (JSON.parse(body.toString()) as { data: { n: number } }).data;
    arrivals.set(url, [...(arrivals.get(url) ?? []), { n, at }]);
    return 200;
  });
});
afterEach(() => receiver.stop());

const arrivedAt = (tenant: string): Arrival[] => arrivals.get(`/${tenant}`) ?? [];
const distinct = (tenant: string): Set<number> => new Set(arrivedAt(tenant).map(({ n }) => n));
const poisonedBy = (app: AppName): Record<string, string> => ({ NODE_OPTIONS: `--import=${join(import.meta.dirname, 'poisoned.mjs')}`, SPILLWAY_TEST_POISON: app });
const dataOf = (app: Poisoned, n: number): string => JSON.stringify({ n, ...(n === POISON_AT && { note: `poison:${app}:${fleet[app].how}` }) });

/** Deliveries as dedupe, or a dispatcher after a failure, leaves them. */
const owe = async (view: BrokerView, app: 'dispatcher' | 'retrier', endpointId: string): Promise<void> => {
  const acceptedAt = new Date().toISOString();
  const dueAt = new Date(Math.ceil(Date.now() / 1_000) * 1_000);
  const shard = shardOf(endpointId);
  await Promise.all(
    Array.from({ length: IN_FLIGHT }, (_, n) => {
      const meta: DeliveryMeta = { eventId: newEventId(), tenant: fleet[app].tenant, type: TYPE, source: '/e2e', acceptedAt, endpointId, attempt: app === 'retrier' ? 2 : 1, ...(app === 'retrier' && { dueAt: dueAt.toISOString() }) };
      const body = Buffer.from(`{"type":"${TYPE}","timestamp":"${acceptedAt}","data":${dataOf(app, n)}}`);
      const headers: [string, string][] = [...deliveryHeaders(meta), [header.messageId, `e2e:${app}:${n}`]];
      return app === 'retrier' ? view.publish('WEBHOOK_RETRY', subject.retryAt(shard, dueAt), headers, body) : view.publish('WEBHOOK_DELIVERY', subject.delivery('fresh', shard), headers, body);
    }),
  );
};

const fill = async (plane: Plane, view: BrokerView): Promise<void> => {
  const endpoints = new Map<string, string>();
  for (const tenant of ['probe', ...apps.map((app) => fleet[app].tenant)]) endpoints.set(tenant, (await plane.createEndpoint(tenant, { url: `${receiver.url}/${tenant}` })).id);
  const events = Array.from({ length: IN_FLIGHT }, (_, n) => ({ id: `e-${n}`, tenant: fleet.dedupe.tenant, type: TYPE, data: dataOf('dedupe', n) }));
  // as pages: whoever dies of one event has the page's others in hand, and gets them again with it
  await sendUntilAnswered({ url: plane.app('ingest').url, key: plane.adminKey, events, batchOf: BATCH, onTried: () => undefined });
  expect(await view.count('WEBHOOK_INGEST')).toBeLessThanOrEqual(PAGES_MAX);
  for (const app of ['dispatcher', 'retrier'] as const) await owe(view, app, endpoints.get(fleet[app].tenant) ?? '');
};

/** Events of a tenant that has nothing to do with any of it, one after the other, until told to stop. */
const probing = (plane: Plane): { sentAt: number[]; stop: () => Promise<void> } => {
  const sentAt: number[] = [];
  const stopped = new AbortController();
  const sending = (async () => {
    while (!stopped.signal.aborted) {
      const n = sentAt.push(Date.now()) - 1;
      await eventually(async () => expect((await plane.send({ tenant: 'probe', type: TYPE, id: `p-${n}`, data: { n } })).status).toBe(202));
      await pause(PROBE_EVERY_MS);
    }
  })();
  return {
    sentAt,
    stop: () => {
      stopped.abort();
      return sending;
    },
  };
};

const deadLetters = async (view: BrokerView): Promise<string[]> => {
  const letters = await view.read('WEBHOOK_DEAD', 'webhook.dead.>');
  return letters.map(({ subject: on, headers, data }) => `${on} ${headers.find(([name]) => name === header.reason)?.[1] ?? ''} ${(JSON.parse(data.toString()) as { data: { n: number } }).data.n}`).toSorted();
};
const tellsOf = (facts: readonly Fact[], type: Fact['type']): unknown[] => facts.filter((fact) => fact.type === type).map((fact) => ('reason' in fact ? [fact.reason, 'kept' in fact && fact.kept] : undefined));

it('buries the one message that kills or blocks its worker, after three crashes of its own, and delivers the 299 beside it', async () => {
  await onPlaneInView({ apps: { dedupe: 0, dispatcher: 0, retrier: 0 } }, async (plane, view) => {
    await fill(plane, view);
    const kept = {} as Record<Poisoned, KeptAlive>;
    for (const app of apps) {
      const process = await plane.prepare(app, poisonedBy(app));
      await process.start();
      kept[app] = keepAlive(process);
    }
    await eventually(() => expect(arrivals.size).toBeGreaterThan(0), 60_000);
    const probes = probing(plane);
    await eventually(async () => expect(new Set(await deadLetters(view)).size).toBe(apps.length), ENDS_WITHIN_MS);
    await probes.stop();
    await eventually(() => expect([...distinct('probe')]).toHaveLength(probes.sentAt.length), 60_000);
    await eventually(async () => expect(Object.keys(await view.waiting())).toEqual(['WEBHOOK_DEAD']), 60_000);

    const letters = await deadLetters(view);
    expect([...new Set(letters)]).toEqual(apps.map((app) => `webhook.dead.pipeline.${app} poison ${POISON_AT}`));
    // who was crashed in the moment of parking it finds it in both places afterwards, each of them by itself (a crash repeats what was in flight): seen once in some ten runs
    const lettersOf = (app: Poisoned): number => letters.filter((letter) => letter.includes(`.${app} `)).length;
    expect(apps.map((app) => [app, lettersOf(app) <= (app === 'dedupe' ? 1 : 2)])).toEqual(apps.map((app) => [app, true]));
    for (const app of apps) {
      const { tenant } = fleet[app];
      expect([app, distinct(tenant).size, distinct(tenant).has(POISON_AT)]).toEqual([app, IN_FLIGHT - 1, false]);
      expect([app, tellsOf(await view.facts(tenant), app === 'dedupe' ? 'event.dead' : 'delivery.dead')]).toEqual([app, Array.from({ length: lettersOf(app) }, () => ['poison', true])]);
      // on a busy machine it may take longer than the moment in which it is alone, and then a crash is not charged
      const more = kept[app].deaths.length - CRASHES;
      expect([app, more >= 0 && more <= UNCHARGED_MAX + 3 * (lettersOf(app) - 1)]).toEqual([app, true]);
      // a crash repeats at most what was in flight, or settled in the last two seconds; one by one it can be more (a retry that was parked, and the place it came from)
      expect([app, arrivedAt(tenant).length <= IN_FLIGHT * (1 + kept[app].deaths.length)]).toEqual([app, true]);
    }
    const firstArrival = new Map(arrivedAt('probe').toReversed().map(({ n, at }) => [n, at]));
    const deaths = apps.flatMap((app) => kept[app].deaths);
    const late = probes.sentAt.map((sentAt, n) => {
      const tookMs = (firstArrival.get(n) ?? Number.POSITIVE_INFINITY) - sentAt;
      return { n, tookMs, crashes: deaths.filter((at) => at >= sentAt - DELAY_A_CRASH_MS && at <= sentAt + tookMs).length };
    });
    const worst = late.toSorted((a, b) => b.tookMs / Math.max(1, b.crashes) - a.tookMs / Math.max(1, a.crashes))[0];
    process.stdout.write(`poison: crashes ${apps.map((app) => `${app} ${kept[app].deaths.length}`).join(', ')}; ${late.length} probes, the worst ${JSON.stringify(worst)}; arrivals ${apps.map((app) => `${fleet[app].tenant} ${arrivedAt(fleet[app].tenant).length}`).join(', ')}\n`);
    expect(late.filter(({ tookMs, crashes }) => tookMs > DELAY_A_CRASH_MS * Math.max(1, crashes))).toEqual([]);
    expect(plane.app('retrier').logs()).toMatch(/"working":"WEBHOOK_(RETRY|PARKED)@[^"]+","msg":"the event loop stands still/);

    // what ailed it is mended: what was given up is sent once more
    for (const app of apps) {
      await kept[app].stop();
      await plane.app(app).stop();
      await plane.app(app).start({ NODE_OPTIONS: '' });
      await plane.app(app).ready();
    }
    expect(await plane.spillway('dead', 'list', '--by', 'pipeline')).toMatch(/(poison[^]*){3}/);
    await plane.spillway('dead', 'replay', '--by', 'pipeline');
    await eventually(() => expect(apps.map((app) => distinct(fleet[app].tenant).has(POISON_AT))).toEqual([true, true, true]), 60_000);
    await view.settled();
    expect(apps.map((app) => arrivedAt(fleet[app].tenant).filter(({ n }) => n === POISON_AT).length)).toEqual(apps.map(lettersOf));
  });
});

/** Events of one ordered endpoint; at two of them dedupe, or the dispatcher, throws each time. */
const ORDERED = 20;
const THROWS: Readonly<Record<number, string>> = { 5: 'poison:dedupe:throw', 12: 'poison:dispatcher:throw' };
/** Order is promised from then on. */
const HOLDS_AFTER_MS = 5_500;

it('in the lane ordered, gives up what keeps throwing after three times, and goes on in order', async () => {
  await onPlaneInView({ env: { dedupe: poisonedBy('dedupe'), dispatcher: poisonedBy('dispatcher') } }, async (plane, view) => {
    await plane.createEndpoint('strict', { url: `${receiver.url}/strict`, ordered: true });
    await pause(HOLDS_AFTER_MS);
    for (let n = 0; n < ORDERED; n += 1) expect((await plane.send({ tenant: 'strict', type: TYPE, data: { n, ...(THROWS[n] !== undefined && { note: THROWS[n] }) } })).status).toBe(202);
    await eventually(() => expect(arrivedAt('strict').at(-1)?.n).toBe(ORDERED - 1), ENDS_WITHIN_MS);
    await eventually(async () => expect(await view.waiting()).toEqual({ WEBHOOK_DEAD: 2 }), 60_000);
    expect(await deadLetters(view)).toEqual(['webhook.dead.pipeline.dedupe internal 5', 'webhook.dead.pipeline.dispatcher internal 12']);
    expect(arrivedAt('strict').map(({ n }) => n)).toEqual(Array.from({ length: ORDERED }, (_, n) => n).filter((n) => THROWS[n] === undefined));
    const facts = await view.facts('strict');
    expect([tellsOf(facts, 'event.dead'), tellsOf(facts, 'delivery.dead')]).toEqual([[['internal', true]], [['internal', true]]]);
    for (const app of ['dedupe', 'dispatcher'] as const) expect([app, plane.app(app).running]).toEqual([app, true]);
  });
});
