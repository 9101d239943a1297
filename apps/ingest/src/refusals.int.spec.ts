import { connect } from 'node:net';
import { startBroker, eventually } from '@spillway/testing';
import { subject } from '@spillway/topology';
import { headOf, post, startIngest, startRig, type Answer, type Rig } from '../test/rig.ts';
import { startStallingProxy } from '../test/stalling-proxy.ts';

/** What a test started, in that order; ended in the reverse one. */
const stoppedAfterwards: { stop(): Promise<void> }[] = [];
const start = async (...options: Parameters<typeof startRig>): Promise<Rig> => {
  const rig = await startRig(...options);
  stoppedAfterwards.push(rig);
  return rig;
};
afterEach(async () => {
  for (const started of stoppedAfterwards.splice(0).toReversed()) await started.stop();
});

const event = (tenant = 'acme', bytes = 10): string => JSON.stringify({ tenant, type: 'a', data: 'x'.repeat(bytes) });
const told = ({ status, problem }: Answer): unknown[] => (status === 202 ? [202] : [status, problem.code]);
const secondsToWait = ({ headers }: Answer): number => Number(headers.get('retry-after') ?? 'none');

/** The value of a metric of this ingest, the sum over its labels. */
const metric = async (rig: Rig, name: string): Promise<number> => {
  const text = await (await fetch(`${rig.url}/metrics`)).text();
  const lines = text.split('\n').filter((line) => line.startsWith(`${name} `) || line.startsWith(`${name}{`));
  return lines.reduce((sum, line) => sum + Number(line.split(' ').at(-1)), 0);
};

/** What is seen while something goes on, look after look. */
const seenUntil = async (over: Promise<unknown>, look: () => Promise<number>): Promise<number[]> => {
  const seen: number[] = [];
  const ended = new AbortController();
  const end = (): void => ended.abort();
  over.then(end, end);
  while (!ended.signal.aborted) seen.push(await look());
  return seen;
};

describe('when INGEST is full', () => {
  it('says so with Retry-After, stores nothing more, and goes on by itself once there is room', async () => {
    const rig = await start({ limits: { maxBytes: { WEBHOOK_INGEST: 2 ** 20 } } });
    const answers: Answer[] = [];
    do answers.push(await rig.post(event(`tenant${answers.length % 4}`, 50_000)));
    while (answers.at(-1)?.status === 202 && answers.length < 100);
    const refused = answers.at(-1) as Answer;
    expect(told(refused)).toEqual([503, 'ingest_full']);
    expect(secondsToWait(refused)).toBeGreaterThan(0);
    expect(await rig.count()).toBe(answers.length - 1);
    await rig.plane.broker.api('STREAM.PURGE.WEBHOOK_INGEST', { filter: subject.ingest('fresh', 'tenant0'), seq: 10 });
    await eventually(async () => expect(told(await rig.post(event('tenant1', 50_000)))).toEqual([202]));
  });

  it('names the quota to a tenant that used up its share, and to nobody else', async () => {
    const rig = await start({ limits: { maxMessagesPerSubject: { WEBHOOK_INGEST: 5 } } });
    for (let i = 0; i < 5; i += 1) expect(told(await rig.post(event('greedy')))).toEqual([202]);
    const answers = await Promise.all(Array.from({ length: 30 }, (_, i) => rig.post(event(i % 2 === 0 ? 'greedy' : `other${i}`))));
    expect(answers.filter((_, i) => i % 2 === 1).map(told)).toEqual(Array.from({ length: 15 }, () => [202]));
    const refused = answers.filter((_, i) => i % 2 === 0);
    expect(refused.map(told)).toEqual(Array.from({ length: 15 }, () => [429, 'tenant_quota']));
    expect(refused[0]?.problem).toMatchObject({ quota: 'messages_waiting', detail: expect.stringContaining('tenant greedy') });
    expect(secondsToWait(refused[0] as Answer)).toBeGreaterThan(0);
    expect(await metric(rig, 'spillway_events_accepted_total')).toBe(20);
    expect(await metric(rig, 'spillway_events_not_accepted_total')).toBe(15);
  });
});

describe('when the broker does not answer', () => {
  const DEADLINE_MS = 2_000;
  /** Ten times the deadline: on a busy machine timers are late, and still nothing may hang. */
  const expectUnaccepted = (answers: readonly Answer[]): void => {
    expect(new Set(answers.map((answer) => String(told(answer))))).not.toContain('202');
    expect(Math.max(...answers.map(({ tookMs }) => tookMs))).toBeLessThan(10 * DEADLINE_MS);
    expect(Math.min(...answers.map(secondsToWait))).toBeGreaterThan(0);
  };

  it('frozen: no 202, nothing hangs, memory stays within its bounds; and goes on when it thaws', async () => {
    const env = { SPILLWAY_ACCEPT_DEADLINE_MS: String(DEADLINE_MS), SPILLWAY_MAX_REQUESTS_IN_FLIGHT: '40', SPILLWAY_MAX_BYTES_IN_FLIGHT: String(2 ** 20) };
    const rig = await start({ env });
    expect(told(await rig.post(event()))).toEqual([202]);
    rig.plane.server.freeze();
    // of many tenants: one alone never gets more than half of the places
    const small = await Promise.all(Array.from({ length: 200 }, (_, i) => rig.post(event(`t${i}`))));
    expectUnaccepted(small);
    const codes = small.map(({ problem }) => problem.code);
    // what found no room; what was sent and not answered; what waited behind that and was never sent
    expect(codes).toContain('ingest_full');
    expect(codes).toContain('outcome_unknown');
    expect(new Set([...codes, 'broker_unavailable'])).toEqual(new Set(['ingest_full', 'outcome_unknown', 'broker_unavailable']));
    const large = Promise.all(Array.from({ length: 40 }, (_, i) => rig.post(event(`t${i}`, 200_000))));
    const inFlightBytes = await seenUntil(large, () => metric(rig, 'spillway_ingest_in_flight_bytes'));
    expect(Math.max(...inFlightBytes)).toBeGreaterThan(0);
    expect(Math.max(...inFlightBytes)).toBeLessThanOrEqual(2 ** 20);
    expectUnaccepted(await large);
    rig.plane.server.thaw();
    await eventually(async () => expect(told(await rig.post(event()))).toEqual([202]));
    expect(await metric(rig, 'spillway_ingest_requests_in_flight')).toBe(0);
  });

  it('killed under load: an accepted event is there after its restart, all others were told', async () => {
    const rig = await start({ env: { SPILLWAY_ACCEPT_DEADLINE_MS: String(DEADLINE_MS) } });
    const answers: Answer[] = [];
    const enough = new AbortController();
    const producer = async (): Promise<void> => {
      while (!enough.signal.aborted) answers.push(await rig.post(event()));
    };
    const producers = Array.from({ length: 16 }, producer);
    await eventually(() => expect(answers.length).toBeGreaterThan(50));
    await rig.plane.server.kill();
    await eventually(() => expect(told(answers.at(-1) as Answer)).toEqual([503, 'broker_unavailable']));
    const away = await rig.post(event());
    expectUnaccepted([away]);
    expect((await fetch(`${rig.url}/readyz`)).status).toBe(503);
    expect((await fetch(`${rig.url}/healthz`)).status).toBe(200);
    enough.abort();
    await Promise.all(producers);
    await rig.plane.server.restart();
    await eventually(async () => expect(told(await rig.post(event()))).toEqual([202]));
    await eventually(async () => expect((await fetch(`${rig.url}/readyz`)).status).toBe(200));
    const accepted = answers.filter(({ status }) => status === 202).length + 1;
    const unknown = answers.filter(({ problem }) => problem.code === 'outcome_unknown').length;
    const stored = await eventually(() => rig.count()); // over a connection of the test's own, which has to come back too
    expect(stored).toBeGreaterThanOrEqual(accepted);
    expect(stored).toBeLessThanOrEqual(accepted + unknown);
    expect(new Set(answers.map((answer) => String(told(answer))))).toEqual(new Set(['202', '503,broker_unavailable', ...(unknown > 0 ? ['503,outcome_unknown'] : [])]));
  });

  it('gives no 202 before the broker’s confirmation came, although the event is stored', async () => {
    const rig = await start();
    const proxy = await startStallingProxy(rig.plane.url);
    const patient = await startIngest(rig.plane, { NATS_URL: proxy.url });
    const hasty = await startIngest(rig.plane, { NATS_URL: proxy.url, SPILLWAY_ACCEPT_DEADLINE_MS: String(DEADLINE_MS) });
    stoppedAfterwards.push(proxy, patient, hasty);
    expect(told(await post(patient.url, event()))).toEqual([202]);
    proxy.hold();
    let answered = false;
    const answer = post(patient.url, event()).finally(() => (answered = true));
    await eventually(async () => expect(await rig.count()).toBe(2));
    expect(answered).toBe(false);
    proxy.release();
    expect(told(await answer)).toEqual([202]);
    proxy.hold();
    const unknown = await post(hasty.url, event());
    expect(told(unknown)).toEqual([503, 'outcome_unknown']);
  });

  it('is another one: refuses rather than to give events to a stranger', async () => {
    const rig = await start();
    await rig.plane.broker.api('STREAM.DELETE.WEBHOOK_INGEST');
    await rig.plane.provision({ adopt: ['WEBHOOK_INGEST'] });
    await eventually(async () => expect(told(await rig.post(event()))).toEqual([503, 'broker_unavailable']));
    expect((await fetch(`${rig.url}/readyz`)).status).toBe(503);
  });
});

describe('requests in flight', () => {
  it('count until their client is gone, not for ever', async () => {
    const rig = await start({ env: { SPILLWAY_MAX_REQUESTS_IN_FLIGHT: '8' } });
    const halves = Array.from({ length: 8 }, () => {
      const socket = connect(Number(new URL(rig.url).port), '127.0.0.1');
      socket.write(`${headOf('content-length: 100')}{"tenant"`);
      return socket;
    });
    await eventually(async () => expect(await metric(rig, 'spillway_ingest_requests_in_flight')).toBe(8));
    const refused = await rig.post(event());
    expect([...told(refused), secondsToWait(refused) > 0]).toEqual([503, 'ingest_full', true]);
    for (const socket of halves) socket.destroy();
    await eventually(async () => expect(told(await rig.post(event()))).toEqual([202]));
    await eventually(async () => expect(await metric(rig, 'spillway_ingest_requests_in_flight')).toBe(0));
    expect(await metric(rig, 'spillway_ingest_in_flight_bytes')).toBe(0);
  });
});

describe('a broker that acknowledges before it syncs', () => {
  it('is refused at start, with what to do about it', async () => {
    const lax = await startBroker({ jetstream: { sync_interval: '"2m"' } });
    stoppedAfterwards.push(lax);
    const rig = await start();
    await expect(startIngest(rig.plane, { NATS_MONITOR_URL: lax.monitorUrl })).rejects.toMatchObject({ code: 'SPILLWAY_UNSYNCED', remediation: expect.stringContaining('sync_interval: always') });
    const allowed = await startIngest(rig.plane, { NATS_MONITOR_URL: lax.monitorUrl, SPILLWAY_ALLOW_UNSYNCED: 'true' });
    stoppedAfterwards.push(allowed);
    expect(told(await post(allowed.url, event()))).toEqual([202]);
    expect(JSON.stringify(await (await fetch(`${allowed.url}/readyz`)).json())).toMatch(/syncs to disk every \d+ s, not before it acknowledges/);
  });
});
