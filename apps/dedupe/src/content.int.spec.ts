import 'reflect-metadata';
import { DEDUPE_INDEX_KEY, dedupeRuleId, dedupeRuleKey, type DedupeIndexStatus, type DedupeRule } from '@spillway/contracts';
import { WatchedBucket } from '@spillway/jetstream';
import { testLog } from '@spillway/jetstream/testing';
import { eventually, startRedis, type TestRedis } from '@spillway/testing';
import { Rig, type Accepted } from '../test/rig.ts';

let redis: TestRedis;
let rig: Rig;
let control: WatchedBucket;
beforeEach(async () => {
  redis = await startRedis();
  rig = await Rig.start({ SPILLWAY_DEDUPE_REDIS_URL: redis.url });
  control = await WatchedBucket.open(rig.plane.broker, 'webhook_control', { log: testLog });
  await control.whenReady();
  await rig.endpoint();
}, 60_000);
afterEach(async () => {
  control.close();
  await rig.stop();
  await redis.stop();
}, 60_000);

/** As the console writes it. */
const setRule = async (type: string, ignore: string[] = [], windowSeconds = 3_600): Promise<string> => {
  const rule: DedupeRule = { id: dedupeRuleId('acme', type), tenant: 'acme', type, ignore, windowSeconds, createdAt: '', updatedAt: '' };
  const key = dedupeRuleKey.of('acme', rule.id);
  await control.put(key, JSON.stringify(rule));
  return key;
};

describe('a rule by content', () => {
  it('drops events that say the same, each pointing to the one that was delivered', async () => {
    await setRule('invoice.*', ['data.sentAt']);
    await rig.startDedupe();
    const original = await rig.accept('a', { data: '{"n":1.0,"sentAt":"x","text":"\\u0041"}' });
    await rig.untilSettled(original);
    const alike: Accepted[] = [];
    for (const data of ['{"text":"A","n":1}', '{"sentAt":{"now":[1]},"n":10e-1,"text":"A"}']) alike.push(await rig.accept(`like-${alike.length}`, { data }));
    const other = await rig.accept('other', { data: '{"n":1.0000000000000000001,"text":"A"}' });
    await rig.untilSettled(original, ...alike, other);
    expect(await rig.left('WEBHOOK_DELIVERY')).toBe(2);
    const dropped = (await rig.factsOf('event.duplicates_dropped')).flatMap(({ originals }) => originals);
    expect([new Set(dropped.map(({ event, by }) => `${event} ${by}`)), dropped.flatMap(({ dropped: ids }) => ids)]).toEqual([new Set([`${original.id} content`]), alike.map(({ id }) => id)]);
    expect(await rig.metric('spillway_events_duplicate_by_content_total')).toBe(2);
  });

  it('is gone by within two seconds of its making, changing and removing', async () => {
    await rig.startDedupe();
    let n = 0;
    /** Whether an event that says what was said before goes on. */
    const goesOn = async (): Promise<boolean> => {
      const before = await rig.left('WEBHOOK_DELIVERY');
      const sent = await rig.accept(`e${(n += 1)}`, { data: `{"same":1,"n":${n}}` });
      await eventually(async () => expect(await rig.settledSequences()).toContain(sent.ingest));
      return (await rig.left('WEBHOOK_DELIVERY')) > before;
    };
    expect([await goesOn(), await goesOn()]).toEqual([true, true]);
    /** The last event that was judged by what was written before was sent within two seconds of the writing. */
    const areJudgedBy = async (write: Promise<unknown>, go: boolean): Promise<void> => {
      await write;
      const writtenAt = performance.now();
      let lastBefore = writtenAt;
      await eventually(async () => {
        const sentAt = performance.now();
        // the first of a content under a rule goes on: the second tells
        const [first, second] = [await goesOn(), await goesOn()];
        if (second !== go) lastBefore = sentAt;
        expect([first, second]).toEqual([go, go]);
      });
      expect(lastBefore - writtenAt).toBeLessThan(2_000);
    };
    await areJudgedBy(setRule('**', ['data.n']), false);
    await areJudgedBy(setRule('**', []), true);
    await areJudgedBy(setRule('**', ['data.n']), false);
    await areJudgedBy(control.remove(dedupeRuleKey.of('acme', dedupeRuleId('acme', '**'))), true);
  }, 120_000);

  it('is there before the first event is taken after a start', async () => {
    await setRule('**');
    const events: Accepted[] = [];
    for (let n = 0; n < 200; n += 1) events.push(await rig.accept(`e${n}`));
    await rig.startDedupe();
    await rig.untilSettled(...events);
    expect(await rig.left('WEBHOOK_DELIVERY')).toBe(1);
  });

  it('has no effect without Redis, which is said', async () => {
    await setRule('**');
    await rig.startDedupe({ SPILLWAY_DEDUPE_REDIS_URL: '' });
    const events = [await rig.accept('a'), await rig.accept('b')];
    await rig.untilSettled(...events);
    expect(await rig.left('WEBHOOK_DELIVERY')).toBe(2);
    expect((await rig.readiness()).checks['dedupe']?.detail).toMatchObject({ index: 'jetstream', contentRules: false, windowSeconds: 120, note: expect.stringContaining('no rules by content') as unknown });
    await eventually(() => expect(JSON.parse(control.get(DEDUPE_INDEX_KEY)?.value ?? 'null')).toMatchObject({ index: 'jetstream', contentRules: false }), 60_000);
  });
});

const said = (): DedupeIndexStatus => JSON.parse(control.get(DEDUPE_INDEX_KEY)?.value ?? '{}') as DedupeIndexStatus;

it('says in /readyz, in the ledger, in a metric and to the console that Redis is away, goes on, and says that it is back', async () => {
  await rig.startDedupe();
  const first = await rig.accept('a');
  await rig.untilSettled(first);
  await eventually(() => expect(said()).toMatchObject({ index: 'redis', state: 'ok', windowSeconds: 86_400, contentRules: true }), 60_000);
  await redis.kill();
  const meanwhile = [await rig.accept('b'), await rig.accept('b'), await rig.accept('a')];
  await rig.untilSettled(first, ...meanwhile);
  // by the table of recent ids, and behind it the broker's window
  expect(await rig.left('WEBHOOK_DELIVERY')).toBe(2);
  const { status, checks } = await rig.readiness();
  expect([status, checks['dedupe']]).toMatchObject([200, { ok: true, detail: { state: 'degraded', why: expect.any(String) as unknown, fault: 'away', remediation: expect.stringContaining('SPILLWAY_DEDUPE_REDIS_URL') as unknown } }]);
  expect(await rig.metric('spillway_dedupe_index_ok')).toBe(0);
  await eventually(() => expect(said()).toMatchObject({ state: 'degraded', why: 'away' }));
  await eventually(async () => expect(await rig.factsOf('dedupe.degraded')).toMatchObject([{ tenant: '_system', why: 'away', fallbackWindowSeconds: 120 }]));
  await redis.restart();
  await eventually(async () => expect(await rig.factsOf('dedupe.restored')).toHaveLength(1));
  const [restored] = await rig.factsOf('dedupe.restored');
  expect(restored?.passed).toBe(1);
  expect(restored?.degradedMs).toBeGreaterThan(0);
  expect([await rig.metric('spillway_dedupe_index_ok'), (await rig.readiness()).checks['dedupe']?.detail]).toMatchObject([1, { state: 'ok' }]);
  // it was told what passed meanwhile: the one key, and that of its probe
  await eventually(async () => expect(await redis.ask('DBSIZE')).toBe(2));
}, 60_000);

it('names a storm within a minute, and the rule that would stop it', async () => {
  await rig.startDedupe();
  const startedAt = performance.now();
  // each at a time of its own: a busy machine looks at some fifty of a flood, which are made within one millisecond
  const flood = async (): Promise<void> => {
    await Promise.all(Array.from({ length: 500 }, (_, n) => rig.accept(`k${Math.random()}`, { data: `{"invoice":${n % 50},"sentAt":"${new Date(Date.now() + n).toISOString()}"}` })));
  };
  const storm = await eventually(async () => {
    await flood();
    const [found] = await rig.factsOf('dedupe.storm');
    if (!found) throw new Error('no storm was named');
    return found;
  }, 60_000);
  process.stdout.write(`the storm was named after ${Math.round((performance.now() - startedAt) / 100) / 10} s\n`);
  expect(storm).toMatchObject({ tenant: 'acme', eventType: 'invoice.paid', by: 'content', rule: { tenant: 'acme', type: 'invoice.paid', ignore: ['data.sentAt'] } });
  expect(await rig.metric('spillway_dedupe_storm_duplicates', 'invoice.paid')).toBeGreaterThan(100);
  expect((await rig.readiness()).checks['dedupe']?.detail['storms']).toMatchObject([{ tenant: 'acme', type: 'invoice.paid', by: 'content' }]);
  await setRule(storm.rule?.type ?? '', storm.rule?.ignore, storm.rule?.windowSeconds);
  await eventually(async () => {
    const before = await rig.left('WEBHOOK_DELIVERY');
    await flood();
    await eventually(async () => expect(await rig.left('WEBHOOK_INGEST')).toBe(0));
    expect((await rig.left('WEBHOOK_DELIVERY')) - before).toBeLessThanOrEqual(50);
  });
}, 120_000);
