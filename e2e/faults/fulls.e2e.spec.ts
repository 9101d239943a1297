import { header, type Fact, type FactOf } from '@spillway/contracts';
import { eventually, sendUntilAnswered, startReceiver, type Plane, type Received, type Receiver, type ToSend } from '@spillway/testing';
import { readRetryAt, shardOf, subject, type StreamName } from '@spillway/topology';
import { onPlaneInView, type BrokerView, type Stored } from '../broker-view.ts';

const TENANT = 'fulls';
/** Room for some 240 deliveries of 4 KiB. */
const SMALL = '1MiB';
const EVENT_BYTES = 4_096;
const EVENTS = 1_000;
const REFUSED = (EVENTS / 5) * 2;
const HEALTHY = 100;
/** The first retry is not due while the test runs. */
const LATER = [3_600];

type Path = '/healthy' | '/broken';
let requests: Map<string, number>;
/** By the broken endpoint. */
let refused: Set<number>;
let recovered: boolean;
let receiver: Receiver;
const numberOf = ({ body }: Received): number => (JSON.parse(body.toString()) as { data: { n: number } }).data.n;
beforeEach(async () => {
  requests = new Map();
  refused = new Set();
  recovered = false;
  let came = 0;
  receiver = await startReceiver((request) => {
    const n = numberOf(request);
    const key = `${request.url} ${n}`;
    requests.set(key, (requests.get(key) ?? 0) + 1);
    if (request.url !== '/broken' || recovered) return 200;
    // two of five, one at a time: never five in a row, nor half of them, so its circuit stays closed and each has its attempt
    if (came++ % 5 >= 2) return 200;
    refused.add(n);
    return 500;
  });
});
afterEach(() => receiver.stop());

/** How often each of these events has come to a path. */
const arrivals = (path: Path, numbers: readonly number[]): number[] => numbers.map((n) => requests.get(`${path} ${n}`) ?? 0);
const upTo = (count: number, from = 0): number[] => Array.from({ length: count }, (_, i) => from + i);
const times = (count: number, each: number): number[] => Array.from({ length: count }, () => each);

const endpointsOf = async (plane: Plane, schedule: number[]): Promise<string> => {
  await plane.createEndpoint(TENANT, { url: `${receiver.url}/healthy`, types: ['healthy'] });
  return (await plane.createEndpoint(TENANT, { url: `${receiver.url}/broken`, types: ['broken'], schedule, maxInFlight: 1 })).id;
};

const send = (plane: Plane, type: 'healthy' | 'broken', numbers: readonly number[], bytes = EVENT_BYTES): Promise<void> => {
  const events = numbers.map((n): ToSend => ({ id: `${type}-${n}`, tenant: TENANT, type, data: `{"n":${n},"x":"${'x'.repeat(bytes)}"}` }));
  return sendUntilAnswered({ url: plane.app('ingest').url, key: plane.adminKey, events, onTried: () => undefined });
};

/** New events go on, whatever is full. */
const healthyGoesOn = async (plane: Plane, numbers: readonly number[]): Promise<void> => {
  await send(plane, 'healthy', numbers, 10);
  await eventually(() => expect(arrivals('/healthy', numbers)).toEqual(times(numbers.length, 1)), 60_000);
};

const settledBut = async (view: BrokerView, ...streams: StreamName[]): Promise<Partial<Record<StreamName, number>>> =>
  eventually(async () => {
    const waiting = await view.waiting();
    const others = Object.keys(waiting).filter((name) => !streams.includes(name as StreamName));
    if (others.length > 0) throw new Error(`still waiting: ${JSON.stringify(waiting)}`);
    return waiting;
  }, 120_000);

/** Once each, however often its page was stored. */
const factsOf = async <T extends Fact['type']>(view: BrokerView, type: T): Promise<FactOf<T>[]> => {
  const said = (await view.facts(TENANT)).filter((fact): fact is FactOf<T> => fact.type === type);
  return [...new Map(said.map((fact) => [JSON.stringify(fact), fact])).values()];
};
const valueOf = ({ headers }: Stored, name: string): string => headers.find(([key]) => key === name)?.[1] ?? '';

/** By one command, while it is full; and the next provisioning respects it. */
const raise = async (plane: Plane, view: BrokerView, stream: StreamName): Promise<void> => {
  await plane.spillway('streams', 'limit', stream, '--max-bytes', '64MiB');
  expect(await view.maxBytes(stream)).toBe(64 * 2 ** 20);
  await plane.provision();
  expect(await view.maxBytes(stream)).toBe(64 * 2 ** 20);
};

const replayAll = (plane: Plane, reason: string): Promise<string> => plane.spillway('dead', 'replay', '-t', TENANT, '--reason', reason);

it('RETRY full: what it refuses is a dead letter that can be replayed, new events go on, and once raised it takes again', async () => {
  await onPlaneInView({ limits: { SPILLWAY_MAX_BYTES_RETRY: SMALL }, apps: { retrier: 1 } }, async (plane, view) => {
    await endpointsOf(plane, LATER);
    await send(plane, 'broken', upTo(EVENTS));
    const { WEBHOOK_RETRY: waits = 0, WEBHOOK_DEAD: dead = 0 } = await settledBut(view, 'WEBHOOK_RETRY', 'WEBHOOK_DEAD');
    await healthyGoesOn(plane, upTo(HEALTHY));
    const given = await factsOf(view, 'delivery.dead');
    process.stdout.write(`RETRY full: of ${REFUSED} refused deliveries ${waits} wait, ${dead} are dead letters\n`);
    expect([waits + dead, waits > 100, dead > 100]).toEqual([REFUSED, true, true]);
    expect(given.map(({ reason, by, kept }) => `${reason} ${by} ${kept}`)).toEqual(given.map(() => 'retry_overflow endpoint true'));
    expect(given).toHaveLength(dead);
    expect(arrivals('/broken', upTo(EVENTS))).toEqual(times(EVENTS, 1));

    await raise(plane, view, 'WEBHOOK_RETRY');
    const more = upTo(200, EVENTS);
    await send(plane, 'broken', more);
    expect(await settledBut(view, 'WEBHOOK_RETRY', 'WEBHOOK_DEAD')).toEqual({ WEBHOOK_RETRY: waits + refused.size - REFUSED, WEBHOOK_DEAD: dead });

    recovered = true;
    await replayAll(plane, 'retry_overflow');
    await eventually(async () => expect(await settledBut(view, 'WEBHOOK_RETRY')).toEqual({ WEBHOOK_RETRY: waits + refused.size - REFUSED }), 60_000);
    const twice = arrivals('/broken', [...refused]).filter((count) => count === 2).length;
    expect([twice, Math.max(...requests.values()), refused.size - REFUSED]).toEqual([dead, 2, 80]);
  });
});

it('DEAD full: the fact says what was not kept, no attempt is made again for it, and once raised it keeps again', async () => {
  await onPlaneInView({ limits: { SPILLWAY_MAX_BYTES_DEAD: SMALL } }, async (plane, view) => {
    const id = await endpointsOf(plane, []);
    await send(plane, 'broken', upTo(EVENTS));
    const { WEBHOOK_DEAD: dead = 0 } = await settledBut(view, 'WEBHOOK_DEAD');
    await healthyGoesOn(plane, upTo(HEALTHY));
    const given = await factsOf(view, 'delivery.dead');
    process.stdout.write(`DEAD full: of ${REFUSED} dead deliveries ${dead} are kept\n`);
    expect([given.length, new Set(given.map(({ delivery }) => delivery)).size]).toEqual([REFUSED, REFUSED]);
    expect([given.filter(({ kept }) => kept).length, dead > 100, dead < REFUSED - 100]).toEqual([dead, true, true]);
    expect(arrivals('/broken', upTo(EVENTS))).toEqual(times(EVENTS, 1));
    const { body: metrics } = await plane.ask('GET', `${plane.app('dispatcher').url}/metrics`);
    expect(metrics).toContain(`spillway_dead_letters_total{kept="false",reason="exhausted"} ${REFUSED - dead}`);

    // an owner that is busy when it is asked is left out
    await eventually(async () => {
      const { body: broken } = await plane.ask('GET', `${plane.app('console').url}/v1/tenants/${TENANT}/endpoints/${id}`);
      expect((JSON.parse(broken) as { health: object }).health).toMatchObject({ circuit: 'closed', lastFailure: { kind: 'status', status: 500 } });
    });

    await raise(plane, view, 'WEBHOOK_DEAD');
    const more = upTo(100, EVENTS);
    await send(plane, 'broken', more);
    expect(await settledBut(view, 'WEBHOOK_DEAD')).toEqual({ WEBHOOK_DEAD: dead + 40 });
  });
});

/** Whoever waits in the calendar because PARKED was full: for a minute, lengthened by a fifth at most, with no attempt before it. */
const expectUncharged = (waiting: readonly Stored[]): void => {
  const waits = waiting.map((stored) => (readRetryAt(stored.subject)?.dueAt.getTime() ?? 0) - Date.parse(valueOf(stored, header.acceptedAt)));
  expect(Math.min(...waits)).toBeGreaterThanOrEqual(60_000);
  expect(new Set(waiting.map((stored) => valueOf(stored, header.attempt)))).toEqual(new Set(['1']));
};

it('PARKED full: what it refuses waits in the calendar, uncharged, and only where that refuses too it is dead; once raised all moves', async () => {
  // some 500 of 16 KiB each: a group of 4 MiB is refused as a whole where there is less room
  const limits = { SPILLWAY_MAX_BYTES_PARKED: '8MiB', SPILLWAY_MAX_BYTES_RETRY: '8MiB' };
  await onPlaneInView({ limits, apps: { dispatcher: 0, retrier: 1 } }, async (plane, view) => {
    const id = await endpointsOf(plane, LATER);
    const change = (body: object) => plane.ask('PATCH', `${plane.app('console').url}/v1/tenants/${TENANT}/endpoints/${id}`, body);
    const sent = upTo(1_700);
    // routed while it is enabled, and disabled when their turn comes: all of them are to be parked, and none is attempted
    await send(plane, 'broken', sent, 16_384);
    await eventually(async () => expect(await view.count('WEBHOOK_DELIVERY')).toBe(sent.length), 60_000);
    await change({ enabled: false });
    await plane.add('dispatcher');
    const { WEBHOOK_PARKED: parked = 0, WEBHOOK_RETRY: waits = 0, WEBHOOK_DEAD: dead = 0 } = await settledBut(view, 'WEBHOOK_PARKED', 'WEBHOOK_RETRY', 'WEBHOOK_DEAD');
    process.stdout.write(`PARKED full: of ${sent.length} deliveries ${parked} are parked, ${waits} wait in the calendar, ${dead} are dead letters\n`);
    await healthyGoesOn(plane, upTo(HEALTHY));
    expect([parked + waits + dead, Math.min(parked, waits, dead) > 100]).toEqual([sent.length, true]);
    expectUncharged(await view.read('WEBHOOK_RETRY', 'webhook.retry.>'));
    const given = await factsOf(view, 'delivery.dead');
    expect([given.length, given.filter(({ reason, kept }) => reason === 'parked_overflow' && kept).length]).toEqual([dead, dead]);
    const overflowed = (await factsOf(view, 'delivery.parked')).filter(({ nextAt }) => nextAt !== undefined);
    expect(new Set(overflowed.flatMap(({ deliveries }) => deliveries)).size).toBe(waits);

    await raise(plane, view, 'WEBHOOK_PARKED');
    recovered = true;
    await change({ enabled: true });
    await eventually(async () => expect((await view.subjects('WEBHOOK_PARKED'))[subject.parked('first', shardOf(id), id)]).toBeUndefined(), 60_000);
    await replayAll(plane, 'parked_overflow');
    // those in the calendar come with their time
    await eventually(() => expect(arrivals('/broken', sent)).toEqual(times(sent.length, 1)), 300_000);
    expect(await settledBut(view)).toEqual({});
    expect(await factsOf(view, 'attempt.failed')).toEqual([]);
  });
});
