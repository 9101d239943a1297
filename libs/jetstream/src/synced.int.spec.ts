import { jest } from '@jest/globals';
import { startBroker, startReceiver, type TestBroker } from '@spillway/testing';
import { assertSynced, Unsynced } from './synced.ts';

const SYNCED = { jetstream: { sync_interval: 'always' } };
const TWO_MINUTES = { jetstream: { sync_interval: '"2m"' } };

let server: TestBroker;
beforeAll(async () => {
  server = await startBroker(SYNCED);
});
afterAll(() => server.stop());
afterEach(() => jest.useRealTimers());

const warn = jest.fn();
const assert = (over: Partial<Parameters<typeof assertSynced>[0]> = {}) => assertSynced({ monitorUrl: server.monitorUrl, allowUnsynced: false, log: { warn }, ...over });
beforeEach(() => warn.mockReset());

it('passes a broker that syncs each write', async () => {
  expect(await assert()).toMatchObject({ synced: true, detail: 'sync_interval: always' });
  expect(warn).not.toHaveBeenCalled();
});

it('refuses one that syncs every two minutes', async () => {
  await server.restart(TWO_MINUTES);
  await expect(assert()).rejects.toThrow(Unsynced);
  await expect(assert()).rejects.toMatchObject({
    code: 'SPILLWAY_UNSYNCED',
    message: expect.stringContaining('syncs to disk every 120 s'),
    remediation: expect.stringContaining('sync_interval: always'),
  });
});

it('warns at once and every minute where that is allowed, until it is stopped', async () => {
  await server.restart(TWO_MINUTES);
  jest.useFakeTimers({ doNotFake: ['nextTick', 'setImmediate', 'setTimeout', 'performance'] });
  const state = await assert({ allowUnsynced: true });
  expect(state).toMatchObject({ synced: false, detail: expect.stringContaining('every 120 s') });
  expect(warn.mock.calls).toEqual([[{ code: 'SPILLWAY_UNSYNCED' }, expect.stringContaining('ACKNOWLEDGED EVENTS MAY BE LOST')]]);
  jest.advanceTimersByTime(120_000);
  expect(warn).toHaveBeenCalledTimes(3);
  state.stop();
  jest.advanceTimersByTime(120_000);
  expect(warn).toHaveBeenCalledTimes(3);
});

it('refuses the default, which is two minutes too', async () => {
  await server.restart({ jetstream: { sync_interval: '"120s"' } });
  await expect(assert()).rejects.toThrow('every 120 s');
});

it('asks every server of a cluster', async () => {
  await server.restart(SYNCED);
  const other = await startBroker(TWO_MINUTES);
  await expect(assert({ monitorUrl: `${server.monitorUrl},${other.monitorUrl}` })).rejects.toThrow(other.monitorUrl);
  await other.stop();
});

it('refuses when nobody answers there, or somebody who is no broker', async () => {
  const other = await startReceiver(({ url }) => ({ body: url.startsWith('/jsz') ? '{"hello":"world"}' : '' }));
  await expect(assert({ monitorUrl: other.url })).rejects.toThrow('has no JetStream');
  other.handler = () => ({ body: '<html>' });
  await expect(assert({ monitorUrl: other.url })).rejects.toThrow('no JSON');
  other.handler = () => 404;
  await expect(assert({ monitorUrl: other.url })).rejects.toThrow('status 404');
  const { url } = other;
  await other.stop();
  await expect(assert({ monitorUrl: url })).rejects.toMatchObject({ message: expect.stringContaining('ECONNREFUSED'), remediation: expect.stringContaining('NATS_MONITOR_URL') });
  await expect(assert({ monitorUrl: 'not a url' })).rejects.toThrow('Invalid URL');
});

it('refuses a broker that is frozen, by its deadline', async () => {
  server.freeze();
  await expect(assert()).rejects.toThrow('no answer within 5 s');
  server.thaw();
});
