import { EndpointRegistry, EndpointStore, newMasterKey, parseMasterKeys, type TenantSettings } from '@spillway/endpoints';
import { testLog } from '@spillway/jetstream/testing';
import { KeyRing, KeyStore } from '@spillway/keys';
import { eventually } from '@spillway/testing';
import { startRig, type Answer, type Rig } from '../../test/rig.ts';

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
