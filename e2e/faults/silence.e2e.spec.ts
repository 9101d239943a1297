import { setTimeout as pause } from 'node:timers/promises';
import type { Fact } from '@spillway/contracts';
import { eventually, sendUntilAnswered, startReceiver, startSilencingProxy, type Lost, type Plane, type Received, type Receiver, type SilencingProxy, type ToSend } from '@spillway/testing';
import type { StreamName } from '@spillway/topology';
import { onPlaneInView, type BrokerView } from '../broker-view.ts';

const TENANT = 'silence';
const SILENT_MS = 30_000;
const RATE_PER_SECOND = 40;
/** Sent all along: a little before, all through, and a little after. */
const EVENTS = 34 * RATE_PER_SECOND;
/** Few events for each endpoint that fails, so that no circuit opens: then how often each event has to come is known to the last request. */
const KINDS = { healthy: 8, flaky: 136, dead: 136 } as const;
type Kind = keyof typeof KINDS;
/** Of ten events so many are of each kind, in turn. */
const MIX: readonly Kind[] = ['healthy', 'flaky', 'healthy', 'healthy', 'dead', 'healthy', 'flaky', 'healthy', 'healthy', 'dead'];
/** Attempts until it ends: a flaky endpoint takes each event at the third, a dead one never and has no schedule. */
const ATTEMPTS: Readonly<Record<Kind, number>> = { healthy: 1, flaky: 3, dead: 1 };
const SCHEDULES: Readonly<Record<Kind, number[]>> = { healthy: [], flaky: [1, 1, 1], dead: [] };

const kindOf = (n: number): Kind => MIX[n % MIX.length] as Kind;
/** Each kind's endpoints in turn. */
const endpointOf = (n: number): string => {
  const kind = kindOf(n);
  const before = Math.floor(n / MIX.length) * MIX.filter((other) => other === kind).length + MIX.slice(0, n % MIX.length).filter((other) => other === kind).length;
  return `${kind}-${before % KINDS[kind]}`;
};

/** When each event came, epoch ms: each goes to one endpoint. */
let requests: Map<number, number[]>;
const times = (n: number): number[] => requests.get(n) ?? [];
let receiver: Receiver;
const arrived = ({ url, body }: Received): number => {
  const { n } = (JSON.parse(body.toString()) as { data: { n: number } }).data;
  requests.set(n, [...times(n), Date.now()]);
  if (url !== `/${endpointOf(n)}`) throw new Error(`${n} came to ${url}`);
  return times(n).length >= ATTEMPTS[kindOf(n)] && kindOf(n) !== 'dead' ? 200 : 500;
};
beforeEach(async () => {
  requests = new Map();
  receiver = await startReceiver(arrived);
});
afterEach(() => receiver.stop());

const createEndpoints = async (plane: Plane): Promise<void> => {
  const named = (Object.keys(KINDS) as Kind[]).flatMap((kind) => Array.from({ length: KINDS[kind] }, (_, i) => ({ kind, name: `${kind}-${i}` })));
  for (const { kind, name } of named) await plane.createEndpoint(TENANT, { url: `${receiver.url}/${name}`, types: [`kind.${name}`], schedule: SCHEDULES[kind] });
};

const events = (): ToSend[] => upToEvents().map((n) => ({ id: `e-${n}`, tenant: TENANT, type: `kind.${endpointOf(n)}`, data: `{"n":${n}}` }));

/** What a reader makes of the ledger: pages may be stored twice, a fact is one for each attempt. */
const story = async (view: BrokerView): Promise<{ succeeded: number; failed: number; dead: number; ended: number }> => {
  const facts = await view.facts(TENANT);
  const keys = (type: Fact['type']) => new Set(facts.flatMap((fact) => (fact.type === type && 'delivery' in fact && 'attempt' in fact ? [`${fact.delivery} ${fact.attempt}`] : [])));
  const ended = [...keys('attempt.succeeded'), ...keys('delivery.dead')].map((key) => key.split(' ')[0]);
  return { succeeded: keys('attempt.succeeded').size, failed: keys('attempt.failed').size, dead: keys('delivery.dead').size, ended: new Set(ended).size };
};

const upToEvents = (): number[] => Array.from({ length: EVENTS }, (_, n) => n);
const counted = (kind: Kind): number => upToEvents().filter((n) => kindOf(n) === kind).length;
/** Events with another number of requests than their story has. */
const otherThanExpected = (): string[] => upToEvents().flatMap((n) => (times(n).length === ATTEMPTS[kindOf(n)] ? [] : [`${endpointOf(n)}: event ${n} came ${times(n).length} times`]));

const everythingSettled = async (view: BrokerView): Promise<void> => {
  await eventually(async () => {
    const { WEBHOOK_DEAD: dead = 0, ...waiting } = await view.waiting();
    if (dead !== counted('dead') || Object.keys(waiting).length > 0) throw new Error(`${dead} dead letters; still waiting: ${JSON.stringify(waiting)}`);
  }, 120_000);
};

type Silent = { prefix: string; stream: StreamName };

const STILL_MS = 2_000;
/** Until a number has been the same for two seconds. */
const standsStill = (look: () => Promise<number>): Promise<number> => {
  let [last, since] = [Number.NaN, 0];
  return eventually(async () => {
    const seen = await look();
    if (seen !== last) [last, since] = [seen, performance.now()];
    if (performance.now() - since < STILL_MS) throw new Error(`still on its way: ${seen}`);
    return seen;
  });
};

/**
 * For 30 s, while events come: half of it the answers are lost, so that what was published is there and nobody knows, half of it the publications.
 * @returns how many were stored in those streams in that second half
 */
const silentFor30s = async (proxy: SilencingProxy, view: BrokerView, silent: readonly Silent[]): Promise<number> => {
  const lose = (lost: Lost): void => silent.forEach(({ prefix }) => proxy.silence(prefix, lost));
  const stored = async (): Promise<number> => (await Promise.all(silent.map(({ stream }) => view.lastSequence(stream)))).reduce((sum, count) => sum + count, 0);
  await pause(2_000); // under way before it begins
  lose('answers');
  await pause(SILENT_MS / 2);
  lose('requests');
  const before = await standsStill(stored); // what was on its way is stored
  await pause(SILENT_MS / 2 - STILL_MS);
  const after = await stored();
  proxy.speak();
  return after - before;
};

it.each<{ what: string; silent: Silent[]; goesOn: boolean }>([
  { what: 'LEDGER', silent: [{ prefix: 'webhook.ledger.', stream: 'WEBHOOK_LEDGER' }], goesOn: false },
  {
    what: 'RETRY and DEAD',
    silent: [
      { prefix: 'webhook.retry.', stream: 'WEBHOOK_RETRY' },
      { prefix: 'webhook.dead.', stream: 'WEBHOOK_DEAD' },
    ],
    goesOn: true,
  },
])('makes no attempt twice because $what did not answer for 30 s, and records all afterwards', async ({ what, silent, goesOn }) => {
  await onPlaneInView({ apps: { dedupe: 0, dispatcher: 0 } }, async (plane, view) => {
    const proxy = await startSilencingProxy(Number(plane.broker.url.split(':')[1]));
    try {
      const throughProxy = { NATS_URL: `nats://127.0.0.1:${proxy.port}` };
      await Promise.all([...(['dedupe', 'dispatcher', 'retrier'] as const).map((app) => plane.add(app, throughProxy)), createEndpoints(plane)]);
      const silence = silentFor30s(proxy, view, silent);
      await sendUntilAnswered({ url: plane.app('ingest').url, key: plane.adminKey, events: events(), ratePerSecond: RATE_PER_SECOND, onTried: () => undefined });
      const storedMeanwhile = await silence;
      const duringIt = requests.size;
      await everythingSettled(view);
      const told = await story(view);
      process.stdout.write(`${what} silent: ${proxy.swallowed} publications unanswered, ${duringIt} of ${EVENTS} events had come by its end; afterwards ${JSON.stringify(told)}\n`);
      expect(proxy.swallowed).toBeGreaterThan(10);
      expect(storedMeanwhile).toBe(0);
      expect(otherThanExpected()).toEqual([]);
      expect(told).toEqual({ succeeded: counted('healthy') + counted('flaky'), failed: 2 * counted('flaky') + counted('dead'), dead: counted('dead'), ended: EVENTS });
      // new events wait for nobody who is silent, but for the ledger, without which nothing is settled
      expect(duringIt).toBeGreaterThan(goesOn ? EVENTS * 0.9 : 0);
    } finally {
      await proxy.stop();
    }
  });
});

/** A broker that stands still takes the leases with it, so what was in flight, or settled in the last two seconds, may be attempted once more. As `Books` has it. */
const RISKED_BEFORE_MS = 3_000;
const RISKED_AFTER_MS = 300;

it('loses nothing while the whole broker stands still for 30 s, and repeats only what was in flight or just settled', async () => {
  await onPlaneInView({ apps: { retrier: 1 } }, async (plane, view) => {
    await createEndpoints(plane);
    const sending = sendUntilAnswered({ url: plane.app('ingest').url, key: plane.adminKey, events: events(), ratePerSecond: RATE_PER_SECOND * 3, onTried: () => undefined });
    await eventually(() => expect(requests.size).toBeGreaterThan(EVENTS / 4), 60_000);
    const fromMs = Date.now();
    plane.broker.freeze();
    await pause(SILENT_MS);
    plane.broker.thaw();
    const untilMs = Date.now();
    await sending;
    await everythingSettled(view);
    const repeated = upToEvents().filter((n) => times(n).length > ATTEMPTS[kindOf(n)]);
    const told = await story(view);
    process.stdout.write(`the broker frozen for ${untilMs - fromMs} ms: ${repeated.length} events came once more; afterwards ${JSON.stringify(told)}\n`);
    expect(upToEvents().filter((n) => !requests.has(n))).toEqual([]);
    expect([told.ended, told.dead]).toEqual([EVENTS, counted('dead')]);
    const risked = (n: number): boolean => times(n).some((at) => at >= fromMs - RISKED_BEFORE_MS && at <= untilMs + RISKED_AFTER_MS);
    expect(repeated.filter((n) => !risked(n))).toEqual([]);
  });
});
