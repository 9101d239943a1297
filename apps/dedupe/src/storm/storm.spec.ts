import { parseIgnoredPath, type FactOf } from '@spillway/contracts';
import { seeded } from '@spillway/testing';
import { CpuBudget } from './cpu-budget.ts';
import { isTimeNear } from './is-time-near.ts';
import { SLICE_MS, stormFact, StormWatch, type Observed, type Storm } from './storm-watch.ts';

const AT_MS = Date.parse('2026-11-22T10:00:00Z');

describe('a time of about now', () => {
  it.each(['"2026-11-22T10:30:00Z"', '"2026-11-22T11:00:00.123+01:00"', '"2026-11-22T09:30Z"', '1795341600', '1795341600123', '1795341600e3', '1795341600000000', '1795341600000000000', '17953416e8'])('is %s', (value) => {
    expect(isTimeNear(value, Date.parse('2026-11-22T10:00:00Z'))).toBe(true);
  });
  it.each(['"2026-11-20T10:30:00Z"', '"2026-11-22"', '"10:30"', '17953416', '5', '"1795341600"', '179534160', '1795341600e20', 'true', '"invoice 2026-11-22T10:30:00Z"'])('is not %s', (value) => {
    expect(isTimeNear(value, AT_MS)).toBe(false);
  });
});

it('a budget is spent for its share of the time, and no more', () => {
  const time = { now: 0 };
  const budget = new CpuBudget(0.01, 10, () => time.now);
  let done = 0;
  const work = (): void => {
    done += 1;
    time.now += 5;
  };
  for (; time.now < 10_000; time.now += 1) budget.spend(work);
  expect(done).toBeGreaterThanOrEqual(19);
  expect(done).toBeLessThanOrEqual(24); // 100 ms of 10,000, and the burst
});

const given = (over: Partial<{ ratioMin: number; duplicatesMin: number }> = {}) => {
  const time = { now: 0 };
  const told: Storm[] = [];
  const watch = new StormWatch({ ratioMin: 0.5, duplicatesMin: 100, tell: (storm) => told.push(storm), nowMs: () => time.now, ...over });
  // the budget has its own test; here every event may be looked at
  (watch as unknown as { budget: object }).budget = { spend: (work: () => void) => work() };
  let n = 0;
  const observe = (data: unknown, of: Partial<Observed> = {}): void => {
    n += 1;
    watch.observe({ tenant: 'acme', type: 'invoice.paid', event: `evt_${n}`, as: 'new', body: Buffer.from(`{"type":"invoice.paid","timestamp":"x","data":${JSON.stringify(data)}}`), ...of });
  };
  const turn = (): void => {
    time.now += SLICE_MS;
    watch.turn();
  };
  return { watch, told, observe, turn };
};
const facts = (told: readonly Storm[]) => told.map((storm) => stormFact(storm, new Date(AT_MS)) as FactOf<'dedupe.storm'>);

describe('the storm watch', () => {
  const random = seeded(5);
  const uuid = (): string => `${Math.floor(random.next() * 2 ** 32).toString(16)}-4f89-11d3-9a0c-${Math.floor(random.next() * 2 ** 48).toString(16).padStart(12, '0')}`;

  it('names a flood of the same content under new ids, and the rule that would stop it', () => {
    const { watch, told, observe, turn } = given();
    const now = Date.now();
    for (let n = 0; n < 3_000; n += 1) observe({ invoice: n % 300, lines: [{ sku: 'a', at: new Date(now + n).toISOString() }], 'sent.at': now + n, createdAt: new Date(now - (n % 300) * 1_000).toISOString() });
    turn();
    const [fact] = facts(told);
    expect(fact).toMatchObject({ type: 'dedupe.storm', tenant: 'acme', eventType: 'invoice.paid', by: 'content', events: 3_000, overMs: SLICE_MS });
    expect(fact?.duplicates).toBeGreaterThan(2_500);
    // createdAt says which invoice it is: it is the same in each repetition
    expect(fact?.rule).toEqual({ tenant: 'acme', type: 'invoice.paid', ignore: ['data.lines.*.at', String.raw`data.sent\.at`], windowSeconds: 3_600 });
    expect(fact?.rule?.ignore.every((path) => parseIgnoredPath(path) !== undefined)).toBe(true);
    expect(fact?.example?.of).toMatch(/^evt_\d+$/);
    expect(watch.storms).toHaveLength(1);
  });

  it('says nothing of honest events', () => {
    const { told, observe, turn } = given();
    for (let slice = 0; slice < 8; slice += 1) {
      for (let n = 0; n < 500; n += 1) {
        observe({ id: uuid(), kind: 'ping', sentAt: Date.now() + n });
        observe({ customer: uuid(), plan: `plan_${n % 20}`, renewedAt: Date.now() + n }, { type: 'renewed' });
        observe({ invoice: slice * 500 + n, amount: n % 7 }, { type: 'invoice.created' });
        observe({ user: uuid(), seen: n % 3 === 0 }, { type: 'user.seen' });
        observe({ n: slice * 500 + n }, { type: 'a', as: n % 10 === 0 ? 'id' : 'new' });
      }
      turn();
    }
    expect(told).toEqual([]);
  });

  it('names a flood of one id, too, which needs no rule', () => {
    const { told, observe, turn } = given();
    for (let n = 0; n < 1_000; n += 1) observe({ n }, { as: n < 10 ? 'new' : 'id' });
    turn();
    expect(facts(told)).toMatchObject([{ by: 'id', events: 1_000, duplicates: 990 }]);
    expect(facts(told)[0]).not.toHaveProperty('rule');
  });

  it('counts what was dropped before it came here', () => {
    const { watch, told, observe, turn } = given();
    for (let n = 0; n < 10; n += 1) observe({ n });
    watch.addDropped({ tenant: 'acme', type: 'invoice.paid', count: 90 });
    turn();
    expect(told).toEqual([]);
    watch.addDropped({ tenant: 'acme', type: 'invoice.paid', count: 10 });
    turn();
    expect(facts(told)).toMatchObject([{ by: 'id', events: 110, duplicates: 100 }]);
  });

  it('says it once while it lasts, and again after five minutes; forgets it when it is over', () => {
    const { watch, told, observe, turn } = given();
    for (let slice = 0; slice < 60; slice += 1) {
      for (let n = 0; n < 200; n += 1) observe({ same: n % 10 });
      turn();
    }
    expect([told.length, watch.storms.length]).toEqual([1, 1]);
    for (let slice = 0; slice < 2; slice += 1) {
      for (let n = 0; n < 200; n += 1) observe({ same: n % 10 });
      turn();
    }
    expect(told).toHaveLength(2);
    for (let slice = 0; slice < 8; slice += 1) turn();
    expect(watch.storms).toEqual([]);
  });

  it('estimates from a bounded sample: 50,000 contents, each four times', () => {
    const { watch, told, observe, turn } = given();
    for (let n = 0; n < 200_000; n += 1) observe({ invoice: n % 50_000 });
    turn();
    expect(told[0]?.duplicates).toBeGreaterThan(200_000 * 0.7);
    expect(told[0]?.duplicates).toBeLessThan(200_000 * 0.8);
    const [{ sample }] = [...(watch as unknown as { types: Map<string, { sample: { groups: { size: number } } }> }).types.values()] as [{ sample: { groups: { size: number } } }];
    expect(sample.groups.size).toBeLessThanOrEqual(4_096);
  });

  it('holds a bounded number of types, and frees what is silent', () => {
    const { watch, observe, turn } = given();
    for (let n = 0; n < 5_000; n += 1) observe({ n }, { type: `type.${n}` });
    const size = () => (watch as unknown as { types: Map<string, unknown> }).types.size;
    expect(size()).toBe(1_000);
    for (let slice = 0; slice < 7; slice += 1) turn();
    expect(size()).toBe(0);
  });

  it('says how many types it watches and looks into, and what it does not for want of room', () => {
    const { watch, observe, turn } = given();
    for (let n = 0; n < 1_010; n += 1) observe({ n }, { type: `type.${n}` });
    watch.addDropped({ tenant: 'acme', type: 'type.1005', count: 40 });
    watch.addDropped({ tenant: 'acme', type: 'type.5', count: 40 });
    expect(watch.state).toEqual({ types: 1_000, samples: 0, unsampled: 0, unwatched: 50 });
    for (let n = 0; n < 20 * 25; n += 1) observe({ n }, { type: `type.${n % 20}` });
    expect(watch.state).toEqual({ types: 1_000, samples: 16, unsampled: 4, unwatched: 50 });
    turn();
    expect(watch.state).toMatchObject({ samples: 16, unsampled: 4 });
    for (let slice = 0; slice < 7; slice += 1) turn();
    expect(watch.state).toEqual({ types: 0, samples: 0, unsampled: 0, unwatched: 50 });
    observe({}, { type: 'type.1005' });
    expect(watch.state).toEqual({ types: 1, samples: 0, unsampled: 0, unwatched: 50 });
  });

  it('counts no storm below its number, and takes what is no JSON for what it is', () => {
    const { told, observe, turn } = given({ duplicatesMin: 1_000 });
    for (let n = 0; n < 900; n += 1) observe({ same: 1 });
    for (let n = 0; n < 900; n += 1) observe({}, { type: 'b', body: Buffer.from('{"type":"b","data":{"a":') });
    turn();
    expect(told).toEqual([]);
  });
});
