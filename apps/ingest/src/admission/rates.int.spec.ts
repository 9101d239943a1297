import { EndpointRegistry, EndpointStore, newMasterKey, parseMasterKeys, type TenantSettings } from '@spillway/endpoints';
import { testLog } from '@spillway/jetstream/testing';
import { KeyRing, KeyStore } from '@spillway/keys';
import { eventually, RawClient } from '@spillway/testing';
import { headOf, post, startIngest, startRig, type Answer, type Rig } from '../../test/rig.ts';

let rig: Rig;
let ring: KeyRing;
let registry: EndpointRegistry;
beforeAll(async () => {
  rig = await startRig({ limits: { maxBytes: { WEBHOOK_INGEST: 8 * 2 ** 20 } } });
  const broker = await rig.plane.connect();
  ring = await KeyRing.open(broker, { log: testLog });
  registry = await EndpointRegistry.open(broker, { log: testLog, masterKeys: parseMasterKeys(newMasterKey()) });
  await ring.bucket.whenReady();
  await registry.bucket.whenReady();
});
afterAll(async () => {
  registry.close();
  ring.close();
  await rig.stop();
});

const event = (tenant: string, bytes = 1): string => JSON.stringify({ tenant, type: 'a', data: 'x'.repeat(bytes) });
const told = ({ status, problem }: Answer): unknown[] => (status === 202 ? [202] : [status, problem.code]);
const waiting = (tenant: string) => rig.waiting(tenant);

const put = (tenant: string, settings: TenantSettings) => new EndpointStore(registry, { masterKeys: parseMasterKeys(newMasterKey()) }).putTenant(tenant, settings);

const keyOf = async (ratePerSecond: number, tenant?: string): Promise<Record<string, string>> => {
  const { text } = await new KeyStore(ring.bucket).create({ scopes: ['events:write'], ratePerSecond, ...(tenant !== undefined && { tenant }) }, 'test');
  return { authorization: `Bearer ${text}` };
};

describe('a key with a rate', () => {
  it('is refused above it, with when to come again, and says on every answer how much is left', async () => {
    const { text } = await new KeyStore(ring.bucket).create({ scopes: ['events:write'], ratePerSecond: 5 }, 'test');
    const send = (): Promise<Answer> => rig.post(event('acme'), { authorization: `Bearer ${text}` });
    await eventually(async () => expect((await send()).status).toBe(202));
    // five a second: twelve seconds' worth, so that some are refused however slowly they come
    const answers = await Promise.all(Array.from({ length: 60 }, send));
    const [good, refused] = [answers.filter(({ status }) => status === 202), answers.filter(({ status }) => status !== 202)];
    expect(good.length).toBeGreaterThan(0);
    expect(new Set(refused.map((answer) => String(told(answer))))).toEqual(new Set(['429,rate_limited']));
    expect(new Set(answers.map(({ headers }) => headers.get('ratelimit-policy')))).toEqual(new Set(['"key";q=5;w=1']));
    expect(answers.every(({ headers }) => /^"key";r=[0-5];t=1$/.test(headers.get('ratelimit') ?? ''))).toBe(true);
    expect(refused[0]?.headers.get('retry-after')).toBe('1');
    expect(refused[0]?.problem['violated-policies']).toEqual(['key']);
    await eventually(async () => expect((await send()).status).toBe(202));
  });

  it('hears how much is left with every refusal that came after it was charged, and when to come again: not before it may', async () => {
    await put('cramped', { share: 0.01 });
    // who has something waiting is refused for its share before its body is read
    expect((await rig.post(event('cramped'))).status).toBe(202);
    // one in 100 s: how long its rate makes it wait is never the 5 s that the other refusals name
    const [quick, cramped, slow] = [await keyOf(1_000), await keyOf(1_000, 'cramped'), await keyOf(0.01, 'cramped')];
    const narrow = await startIngest(rig.plane, { SPILLWAY_MAX_REQUESTS_IN_FLIGHT: '1' });
    const first = new RawClient(narrow.url).say(`${headOf('content-length: 100')}{`);
    try {
      const refused = async (status: number, code: string, ask: () => Promise<Answer>): Promise<void> => {
        const answer = await eventually(async () => {
          const given = await ask();
          expect(told(given)).toEqual([status, code]);
          return given;
        });
        expect([code, answer.headers.get('ratelimit-policy'), answer.headers.get('ratelimit')]).toEqual([code, '"key";q=1000;w=1', expect.stringMatching(/^"key";r=\d+;t=1$/)]);
      };
      await refused(429, 'tenant_quota', () => rig.post(event('cramped', 100_000), cramped));
      await refused(413, 'payload_too_large', () => rig.post(event('acme', 300_000), quick));
      await refused(413, 'payload_too_large', () => rig.post(new Blob([event('acme', 300_000)]).stream(), quick));
      await refused(422, 'invalid_event', () => rig.post('{}', quick));
      await refused(503, 'ingest_full', () => post(narrow.url, event('acme'), quick));
      const once = await eventually(async () => {
        const answer = await rig.post(event('cramped', 100_000), slow);
        expect(told(answer)).toEqual([429, 'tenant_quota']);
        return answer;
      });
      const seconds = /^"key";r=0;t=(\d+)$/.exec(once.headers.get('ratelimit') ?? '')?.[1];
      expect(Number(seconds)).toBeGreaterThan(5);
      expect(once.headers.get('retry-after')).toBe(seconds);
    } finally {
      first.socket.destroy();
      await narrow.stop();
    }
  });

  it('is not charged, and told nothing, for what is refused before', async () => {
    const key = await keyOf(0.01);
    const refused = await eventually(async () => {
      const answer = await rig.post(event('acme'), { ...key, 'content-type': 'text/plain' });
      expect(told(answer)).toEqual([415, 'unsupported_media_type']);
      return answer;
    });
    expect([refused.headers.get('ratelimit'), refused.headers.get('ratelimit-policy')]).toEqual([null, null]);
    expect((await rig.post(event('acme'), key)).status).toBe(202);
  });

  it('says nothing of limits when there is none', async () => {
    const { headers } = await rig.post(event('acme'));
    expect([headers.get('ratelimit'), headers.get('ratelimit-policy')]).toEqual([null, null]);
  });
});

describe('a tenant with settings of its own', () => {
  it('sends what is over its rate by the lane bulk, and is never refused for it', async () => {
    await put('quick', { ratePerSecond: 3 });
    await eventually(async () => {
      expect((await rig.post(event('quick'))).status).toBe(202);
      expect((await waiting('quick'))['bulk']).toBeGreaterThan(0);
    });
    const answers = await Promise.all(Array.from({ length: 50 }, () => rig.post(event('quick'))));
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([202]));
    const { fresh = 0, bulk = 0 } = await waiting('quick');
    expect(bulk).toBeGreaterThan(fresh);
    await put('quick', {});
    await eventually(async () => {
      const before = await waiting('quick');
      for (let i = 0; i < 5; i += 1) await rig.post(event('quick'));
      expect((await waiting('quick'))['bulk']).toBe(before['bulk']);
    });
  });

  it('has the share that was set for it', async () => {
    await put('small', { share: 0.01 });
    await eventually(async () => expect(told(await rig.post(event('small', 100_000)))).toEqual([429, 'tenant_quota']));
    // what was taken before ingest had heard of the share fills it
    await rig.plane.broker.api('STREAM.PURGE.WEBHOOK_INGEST', { filter: 'webhook.ingest.*.small' });
    await eventually(async () => expect(told(await rig.post(event('small')))).toEqual([202]));
    expect(told(await rig.post(event('other', 100_000)))).toEqual([202]);
  });
});
