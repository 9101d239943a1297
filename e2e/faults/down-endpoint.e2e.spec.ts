import { setTimeout as pause } from 'node:timers/promises';
import { circuitRules } from '@spillway/delivery';
import { Books, eventually, sendUntilAnswered, type Plane, type ToSend } from '@spillway/testing';
import { shardOf } from '@spillway/topology';
import { onPlaneInView, type BrokerView } from '../broker-view.ts';
import { CountingEndpoint, type Arrival } from '../counting-endpoint.ts';
import { coresUsed } from '../cpu-use.ts';
import { oweMany, owedEvent } from '../owed.ts';

const TENANT = 'down';
/** 200,000 is what is promised: `SPILLWAY_PARKED=200000` (fills at 10,000 a second, drains at 4,500). */
const PARKED = Number(process.env['SPILLWAY_PARKED'] ?? 30_000);
const CHANGING = Math.min(PARKED, Number(process.env['SPILLWAY_PARKED'] ?? 8_000));
/** Every fifth was attempted before: the retrier has a quarter of the cap, and should be done when the dispatcher is. */
const wasAttempted = (n: number): boolean => n % 5 === 0;
const CAP = { all: 64, dispatcher: 48, retrier: 16 };
const MEASURED_SECONDS = 20;
const WINDOWS_MAX = 3;
/** Done when … */
const CORES_MORE_MAX = 0.05;
/** Between a probe's time and its arrival here, on a machine that is busy. */
const ON_ITS_WAY_MS = 5_000;
/** Starts are counted there, arrivals here, by processes that share two cores (at load 19 half as many more came in a second). Two homes would be twice as many. */
const BURST = 1.9;
const DRAINED_WITHIN_MS = 600_000;

const fill = (view: BrokerView, endpointId: string, count: number): Promise<void> =>
  oweMany(view, count, (n) => ({ tenant: TENANT, endpointId, attempt: wasAttempted(n) ? 2 : 1 }));

const change = async (plane: Plane, endpointId: string, to: object): Promise<void> => {
  const { status, body } = await plane.ask('PATCH', `${plane.app('console').url}/v1/tenants/${TENANT}/endpoints/${endpointId}`, to);
  if (status !== 200) throw new Error(`endpoint not changed: ${status} ${body}`);
};

/** How long its home will leave the endpoint alone after the last of these probes: twice as long as before it, a minute at most. */
const nextIntervalMs = (probes: readonly Arrival[]): number => {
  const [before, last] = probes.slice(-2);
  if (!before || !last) throw new Error('it was not probed twice');
  return Math.min(circuitRules.probeMaxMs, 2 * (last.at - before.at));
};

/** An endpoint of the same shard, so that it has the same owners. */
const neighbourOf = async (plane: Plane, endpointId: string, url: string): Promise<void> => {
  for (;;) {
    const { id } = await plane.createEndpoint(TENANT, { url: `${url}/neighbour`, types: ['neighbour'] });
    if (shardOf(id) === shardOf(endpointId)) return;
    await plane.ask('DELETE', `${plane.app('console').url}/v1/tenants/${TENANT}/endpoints/${id}`);
  }
};

/** Events for the neighbour, in rounds of twenty a second. */
class NeighboursTraffic {
  readonly books = new Books(() => ['neighbour']);
  private sent = 0;

  constructor(private readonly plane: Plane) {}

  async send(count: number): Promise<void> {
    const events = Array.from({ length: count }, (): ToSend => ({ id: `neighbour-${(this.sent += 1)}`, tenant: TENANT, type: 'neighbour', data: '1' }));
    await sendUntilAnswered({ url: this.plane.app('ingest').url, key: this.plane.adminKey, events, connections: 2, onTried: this.books.tried });
  }

  /** And all of them arrive, whatever waits beside them. */
  async sendAndSee(count: number): Promise<void> {
    await this.send(count);
    await eventually(() => {
      if (this.books.missing().length > 0) throw new Error(`${this.books.missing().length} of the neighbour’s have not arrived`);
    }, 60_000);
  }

  async until(over: () => boolean): Promise<void> {
    while (!over()) {
      await this.sendAndSee(20);
      await pause(1_000);
    }
  }
}

let down: CountingEndpoint;
let neighbour: CountingEndpoint;
beforeEach(async () => {
  [down, neighbour] = await Promise.all([CountingEndpoint.start({ answer: 'reset' }), CountingEndpoint.start()]);
});
afterEach(() => Promise.all([down.stop(), neighbour.stop()]));

it('costs nothing while it is down, is found by a probe when it is back, and drains at its cap beside its neighbours', async () => {
  await onPlaneInView({ apps: { retrier: 1 } }, async (plane, view) => {
    const said: string[] = [];
    const pids = [plane.app('retrier').pid, plane.broker.pid];
    const { id } = await plane.createEndpoint(TENANT, { url: `${down.url}/down`, types: ['none'], enabled: false, schedule: [2, 2, 2, 2] });
    await neighbourOf(plane, id, neighbour.url);
    const beside = new NeighboursTraffic(plane);
    neighbour.onArrival = (arrival) => beside.books.arrived({ url: arrival.path, headers: { 'webhook-id': arrival.event }, at: arrival.at });
    await beside.sendAndSee(20);
    const idle = await coresUsed(pids, MEASURED_SECONDS);

    const filledAt = performance.now();
    await fill(view, id, PARKED);
    said.push(`${PARKED} written in ${Math.round(performance.now() - filledAt)} ms`);
    await change(plane, id, { enabled: true });
    // its first failures open both circuits; from then on there are probes only
    await eventually(() => expect(down.refused.length).toBeGreaterThan(14), 60_000);
    const waiting: number[] = [];
    while (waiting.length < WINDOWS_MAX && !waiting.some((cores) => cores - idle <= CORES_MORE_MAX)) waiting.push(await coresUsed(pids, MEASURED_SECONDS));
    said.push(`cores of retrier and nats-server: ${idle.toFixed(3)} with nothing waiting, ${waiting.map((cores) => cores.toFixed(3)).join(', ')} with ${PARKED}`);
    expect(Math.min(...waiting) - idle).toBeLessThanOrEqual(CORES_MORE_MAX);
    await beside.sendAndSee(100);

    const ofKind = (later: boolean): Arrival[] => down.refused.filter(({ event }) => wasAttempted(Number(event.slice(4))) === later);
    const intervals = { dispatcher: nextIntervalMs(ofKind(false)), retrier: nextIntervalMs(ofKind(true)) };
    down.manner = { answer: 200, afterMs: 5 };
    const backAt = Date.now();
    const draining = beside.until(() => down.first.size >= PARKED);
    await eventually(() => expect(down.first.size).toBe(PARKED), DRAINED_WITHIN_MS);
    const drainedAfterMs = Date.now() - backAt;
    await draining;
    await view.settled();
    const foundAfterMs = (later: boolean): number => [...down.first].filter(([event]) => wasAttempted(Number(event.slice(4))) === later).reduce((least, [, at]) => Math.min(least, at), Number.POSITIVE_INFINITY) - backAt;
    const found = { dispatcher: foundAfterMs(false), retrier: foundAfterMs(true) };
    said.push(`found by the dispatcher after ${found.dispatcher} ms of ${intervals.dispatcher}, by the retrier after ${found.retrier} ms of ${intervals.retrier}`);
    said.push(`drained after ${drainedAfterMs} ms, ${Math.round((PARKED * 1_000) / (drainedAfterMs - Math.min(found.dispatcher, found.retrier)))} a second, at most ${down.mostInFlight} at once`);
    process.stdout.write(`${beside.books.print('the neighbour of an endpoint that is down')}\n  ${said.join('\n  ')}\n`);

    expect(found.dispatcher).toBeLessThanOrEqual(intervals.dispatcher + ON_ITS_WAY_MS);
    expect(found.retrier).toBeLessThanOrEqual(intervals.retrier + ON_ITS_WAY_MS);
    // drained at its cap: more at once than the dispatchers' part of it, by both
    expect(down.mostInFlight).toBeLessThanOrEqual(CAP.all);
    expect(down.mostInFlight).toBeGreaterThan(CAP.dispatcher);
    expect([down.arrivals, down.first.size]).toEqual([PARKED, PARKED]);
    expect(beside.books.totals()).toMatchObject({ lost: 0, duplicates: 0 });
  });
});

/** So many more arrive under each before the next comes: it does not only stop. */
const GOES_ON = 100;
const changes: { to: object; cap: number; perSecond?: number }[] = [
  { to: { enabled: true, ordered: true }, cap: 1 },
  { to: { ordered: false, ratePerSecond: 200 }, cap: 64, perSecond: 200 },
  { to: { ratePerSecond: null, maxInFlight: 1 }, cap: 1 },
  { to: { maxInFlight: 16 }, cap: 16 },
];
/** The old home stops as it sees the change, the new one begins five seconds later. */
const HOMES_CHANGED_MS = 5_500;

it(`changing its rate, cap or order while ${CHANGING} wait strands none`, async () => {
  down.manner = { answer: 200, afterMs: 5 };
  await onPlaneInView({ apps: { retrier: 1 } }, async (plane, view) => {
    const { id } = await plane.createEndpoint(TENANT, { url: `${down.url}/down`, types: ['none'], enabled: false });
    await fill(view, id, CHANGING);
    const said: string[] = [];
    for (const { to, cap, perSecond = Infinity } of changes) {
      await change(plane, id, to);
      await pause(HOMES_CHANGED_MS / 2);
      const before = down.arrivals;
      down.forgetMost();
      await pause(HOMES_CHANGED_MS / 2);
      await eventually(() => expect(down.arrivals).toBeGreaterThanOrEqual(Math.min(CHANGING, before + GOES_ON)), 60_000);
      said.push(`${JSON.stringify(to)}: ${before} before, ${down.arrivals} after, at most ${down.mostInFlight} at once and ${down.mostInASecond} in a second`);
      expect(down.mostInFlight).toBeLessThanOrEqual(cap);
      expect(down.mostInASecond).toBeLessThanOrEqual(perSecond * BURST);
    }
    await eventually(() => expect(down.first.size).toBe(CHANGING), DRAINED_WITHIN_MS);
    await view.settled();
    process.stdout.write(`changed while ${CHANGING} wait\n  ${said.join('\n  ')}\n`);
  });
  expect(down.arrivals).toBe(CHANGING);
  expect([...down.first.keys()].toSorted()).toEqual(Array.from({ length: CHANGING }, (_, n) => owedEvent(n)));
});
