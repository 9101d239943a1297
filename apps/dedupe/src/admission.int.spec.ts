import { parseIgnoredPath, type EventMeta } from '@spillway/contracts';
import { testLog } from '@spillway/jetstream/testing';
import { startRedis, type TestRedis } from '@spillway/testing';
import { Admission, type Admitted, type Arrived, type Duplicate } from './admission.ts';
import { fingerprintOf } from './content/fingerprint.ts';
import { ignoring } from './content/ignored-paths.ts';
import { JetStreamIndex } from './index/jetstream-index.ts';
import { worldOf } from './index/mark.ts';
import { RedisIndex } from './index/redis-index.ts';
import { RecentKeys } from './recent-keys.ts';

const WINDOW_MS = 3_600_000;
const RULE_SECONDS = 60;
const ACCEPTED_AT = '2026-11-22T10:00:00.000Z';
const later = (ms: number): string => new Date(Date.parse(ACCEPTED_AT) + ms).toISOString();

let redis: TestRedis;
let index: RedisIndex;
beforeAll(async () => {
  redis = await startRedis();
});
beforeEach(async () => {
  await redis.ask('FLUSHALL');
  index = await RedisIndex.open({ url: redis.url, windowMs: WINDOW_MS, deadlineMs: 2_000, log: testLog });
});
afterEach(() => index.close());
afterAll(() => redis.stop());

const ignored = ignoring([parseIgnoredPath('data.sentAt') ?? []]);
/** Every type has a rule but those of `free.…`. */
const rules = {
  fingerprintFor: (tenant: string, type: string, data: Buffer) => {
    const fingerprint = type.startsWith('free.') ? undefined : fingerprintOf(type, data, ignored);
    return fingerprint === undefined ? undefined : { fingerprint, rule: { id: 'ddr_x', tenant, type: '**', ignore: [], windowSeconds: RULE_SECONDS, createdAt: '', updatedAt: '' } };
  },
};

/** Another process: it shares the index, and not what it remembers itself. */
const worker = (over: { index?: RedisIndex | JetStreamIndex; world?: string } = {}): Admission =>
  new Admission({ recent: new RecentKeys(1_000, WINDOW_MS), index, rules, world: worldOf('2026-11-22T09:00:00.5Z'), ...over });

let sequence = 0;
const event = (id: string, data: unknown = { n: 1 }, over: Partial<EventMeta> = {}): Arrived => {
  const meta = { eventId: `evt_${id}`, tenant: 'acme', type: 'invoice.paid', source: 's', acceptedAt: ACCEPTED_AT, ...over };
  sequence += 1;
  return { meta, message: { sequence, storedAtMs: 0, data: Buffer.from(`{"type":"${meta.type}","timestamp":"x","data":${JSON.stringify(data)}}`) } };
};

const admitted = (of: Admitted | Duplicate): Admitted => {
  if (of.kind === 'duplicate') throw new Error(`a duplicate of ${of.of} by ${of.by}`);
  return of;
};
const passes = async (who: Admission, one: Arrived, outcome: Parameters<Admitted['settle']>[0] = 'stored'): Promise<Admitted> => {
  const admission = admitted(await who.admit(one));
  await admission.settle(outcome);
  return admission;
};
const duplicate = (by: 'id' | 'content', id: string) => ({ kind: 'duplicate', by, of: `evt_${id}` });

describe('by content', () => {
  it('drops what says the same but for the ignored paths, and points to its original', async () => {
    await passes(worker(), event('a', { n: 1, sentAt: 1 }));
    expect(await worker().admit(event('b', { sentAt: 2, n: 1.0 }))).toMatchObject(duplicate('content', 'a'));
    await passes(worker(), event('c', { n: 2 }));
    await passes(worker(), event('d', { n: 1 }, { tenant: 'other' }));
    await passes(worker(), event('e', { n: 1 }, { type: 'invoice.void' }));
    await passes(worker(), event('f', { n: 1 }, { type: 'free.a' }));
    await passes(worker(), event('g', { n: 1 }, { type: 'free.a' }));
  });

  it('remembers for the rule’s window, between acceptances', async () => {
    const one = worker();
    await passes(one, event('a'));
    expect(await one.admit(event('b', { n: 1 }, { acceptedAt: later(RULE_SECONDS * 1_000 - 1) }))).toMatchObject(duplicate('content', 'a'));
    await passes(one, event('c', { n: 1 }, { acceptedAt: later(RULE_SECONDS * 1_000) }));
    expect(await worker().admit(event('d', { n: 1 }, { acceptedAt: later(RULE_SECONDS * 1_000 + 1) }))).toMatchObject(duplicate('content', 'c'));
  });

  it('lets the key’s window in Redis be the rule’s, and the id’s its own', async () => {
    await passes(worker(), event('a'));
    const keys = (await redis.ask('KEYS', '*')) as string[];
    const ttls = await Promise.all(keys.map(async (key) => [key[0], Math.round(Number(await redis.ask('PTTL', key)) / 10_000) * 10_000]));
    expect(Object.fromEntries(ttls)).toEqual({ i: WINDOW_MS, c: RULE_SECONDS * 1_000 });
  });

  it('an id duplicate with other content does not claim that content: whoever brings it next is delivered', async () => {
    await passes(worker(), event('a', { n: 1 }));
    expect(await worker().admit(event('a', { n: 2 }))).toMatchObject({ ...duplicate('id', 'a'), differs: true });
    await passes(worker(), event('c', { n: 2 }));
  });

  it('does not hold a content that the broker’s own window kept from being delivered', async () => {
    // Redis was emptied: the id is free, the broker still knows it, with another body
    await passes(worker(), event('a', { n: 2 }), 'second_net');
    await passes(worker(), event('c', { n: 2 }));
    expect(await worker().admit(event('a', { n: 2 }))).toMatchObject(duplicate('id', 'a'));
  });

  it('is dropped for an original that fails once: its mark is there, and it comes again', async () => {
    const one = worker();
    const first = admitted(await one.admit(event('a')));
    const second = one.admit(event('b'));
    const third = one.admit(event('c'));
    await first.settle('failed');
    expect(await Promise.all([second, third])).toMatchObject([duplicate('content', 'a'), duplicate('content', 'a')]);
  });

  it('has no say in what a job makes', async () => {
    await passes(worker(), event('a'));
    for (const id of ['b', 'c']) expect((await passes(worker(), event(id, { n: 1 }, { job: 'job_1', endpointId: 'ep_1' }))).kind).toBe('admitted');
  });

  it('is not there without Redis', async () => {
    const embedded = new JetStreamIndex();
    const one = worker({ index: embedded });
    for (const id of ['a', 'b']) await passes(one, event(id));
    expect(await one.admit(event('a'))).toMatchObject(duplicate('id', 'a'));
  });
});

describe('a message that goes to the pipeline’s dead letters', () => {
  it('gives its claims up, so that nobody is dropped for it', async () => {
    const poison = event('a');
    await passes(worker(), poison, 'failed');
    expect(await worker().admit(event('a'))).toMatchObject(duplicate('id', 'a'));
    expect(await worker().admit(event('b'))).toMatchObject(duplicate('content', 'a'));
    await worker().giveUp(poison);
    await passes(worker(), event('c'));
    await passes(worker(), event('a', { n: 2 }));
  });

  it('takes nothing from whoever came after it', async () => {
    const poison = event('a');
    await passes(worker(), poison, 'failed');
    await worker().giveUp(poison);
    await passes(worker(), event('a'));
    await worker().giveUp(poison);
    expect(await worker().admit(event('a'))).toMatchObject(duplicate('id', 'a'));
  });
});

describe('an id', () => {
  it('of another INGEST is nobody’s, also under the same sequence', async () => {
    const one = event('a');
    await passes(worker(), one);
    expect((await passes(worker({ world: worldOf('2026-11-22T09:30:00Z') }), one)).repeated).toBe(false);
  });

  it('that is our own mark is ours, and known for it', async () => {
    const one = event('a');
    admitted(await worker().admit(one)); // and the worker died
    expect(await passes(worker(), one)).toMatchObject({ repeated: true, again: false });
  });

  it('accepted once more after its window is another step, also for a worker that took over', async () => {
    await passes(worker(), event('a'));
    const again = event('a', { n: 1 }, { acceptedAt: later(WINDOW_MS) });
    expect(admitted(await worker().admit(again))).toMatchObject({ repeated: false, again: true });
    expect(await passes(worker(), again)).toMatchObject({ repeated: true, again: true });
    expect(await worker().admit(event('a', { n: 1 }, { acceptedAt: later(WINDOW_MS + 1) }))).toMatchObject(duplicate('id', 'a'));
  });

  it('goes to one of many who find a mark that is too old', async () => {
    await passes(worker(), event('a', {}, { type: 'free.a' }));
    const all = await Promise.all(Array.from({ length: 20 }, () => worker().admit(event('a', {}, { type: 'free.a', acceptedAt: later(WINDOW_MS) }))));
    expect(all.filter(({ kind }) => kind === 'admitted')).toHaveLength(1);
  });

  it('that waits for another in its own process points to whoever the index named', async () => {
    await passes(worker(), event('a', { n: 1 }));
    const one = worker();
    expect(await Promise.all([one.admit(event('b', { n: 1 })), one.admit(event('c', { n: 1 })), one.admit(event('d', { n: 1 }))])).toMatchObject([duplicate('content', 'a'), duplicate('content', 'a'), duplicate('content', 'a')]);
  });

  it('is no matter of who else writes to that Redis', async () => {
    await passes(worker(), event('a'));
    const [key] = (await redis.ask('KEYS', 'i*')) as string[];
    await redis.ask('SET', key ?? '', 'a stranger’s');
    expect(await passes(worker(), event('a', {}, { type: 'free.a' }))).toMatchObject({ again: false });
    expect(await worker().admit(event('a', {}, { type: 'free.a' }))).toMatchObject(duplicate('id', 'a'));
  });
});

it('takes 200 bytes of Redis a key', async () => {
  const before = Number(/used_memory:(\d+)/.exec(String(await redis.ask('INFO', 'memory')))?.[1]);
  const one = worker();
  const count = 20_000;
  for (let n = 0; n < count; n += 500) {
    const all = await Promise.all(Array.from({ length: 500 }, (_, i) => one.admit(event(`${'x'.repeat(17)}${n + i}`.padEnd(22, '_'), {}, { type: 'free.a' }))));
    for (const each of all) await admitted(each).settle('stored');
  }
  const after = Number(/used_memory:(\d+)/.exec(String(await redis.ask('INFO', 'memory')))?.[1]);
  expect([Number(await redis.ask('DBSIZE')), (after - before) / count < 240]).toEqual([count, true]);
  process.stdout.write(`Redis: ${Math.round((after - before) / count)} bytes a key\n`);
});

const at = (place: number, id: string): Arrived => {
  const one = event(id, { n: place });
  return { ...one, message: { ...one.message, sequence: 1_000_000, place } };
};

describe('on a page', () => {
  it('an event is its own again when the page comes to another worker, and stands for its neighbour of the same id', async () => {
    await passes(worker(), at(0, 'a'));
    await passes(worker(), at(3, 'b'));
    expect([(await passes(worker(), at(0, 'a'))).repeated, (await passes(worker(), at(3, 'b'))).repeated]).toEqual([true, true]);
    for (const place of [1, 2]) expect(await worker().admit(at(place, 'a'))).toMatchObject(duplicate('id', 'a'));
    expect(await worker().admit(at(0, 'b'))).toMatchObject(duplicate('id', 'b'));
  });

  it('so it is in one process', async () => {
    const one = worker();
    await passes(one, at(2, 'a'));
    await passes(one, at(2, 'a'));
    expect([one.knownRepeat(at(2, 'a')), one.knownRepeat(at(4, 'a'))]).toMatchObject([undefined, duplicate('id', 'a')] as object);
  });
});
