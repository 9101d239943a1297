import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { eventually, startBroker } from '@spillway/testing';
import { Broker } from './broker.ts';
import { PinsUnreadable } from './pins.ts';
import { provision } from './provision.ts';
import { startPlaneBroker, testLog, type PlaneBroker } from './testing/index.ts';
import { openWorlds, WrongWorld, type PinnedWorlds, type WorldsState } from './worlds.ts';

let plane: PlaneBroker;
const opened: PinnedWorlds[] = [];
beforeEach(async () => {
  plane = await startPlaneBroker();
});
afterEach(async () => {
  for (const worlds of opened.splice(0)) worlds.close();
  await plane.stop();
});

const open = async (broker: Broker, options: { file?: string; streams?: string[] } = {}) => {
  const worlds = await openWorlds(broker, { log: testLog, ...options });
  opened.push(worlds);
  return worlds;
};

it('knows the creation times that provisioning wrote', async () => {
  const worlds = await open(plane.broker, { file: plane.worldsFile });
  const info = await plane.broker.api<{ created: string }>('STREAM.INFO.KV_webhook_keys');
  expect([worlds.created('KV_webhook_keys'), worlds.state]).toEqual([info.created, { ready: true }]);
  expect(() => worlds.created('OTHER')).toThrow('OTHER');
});

it('refuses a second, empty broker at start', async () => {
  const second = await startPlaneBroker();
  await expect(openWorlds(second.broker, { file: plane.worldsFile, log: testLog })).rejects.toThrow(WrongWorld);
  await expect(openWorlds(second.broker, { file: plane.worldsFile, log: testLog })).rejects.toMatchObject({
    message: expect.stringMatching(/WEBHOOK_INGEST was made at .*, the one we know at .*KV_webhook_leases was made/),
    remediation: expect.stringContaining('--adopt'),
  });
  await second.stop();
});

it('refuses a broker that has no such streams', async () => {
  const empty = await startBroker();
  const broker = await Broker.connect({ servers: empty.url, name: 'test', log: testLog });
  await expect(openWorlds(broker, { log: testLog })).rejects.toThrow('WEBHOOK_INGEST is not on this broker');
  await broker.close();
  await empty.stop();
});

it('refuses to start on a file that is missing, incomplete or broken', async () => {
  const file = join(plane.worldsFile, '..', 'other.json');
  const refusal = () => openWorlds(plane.broker, { file, log: testLog });
  await expect(refusal()).rejects.toThrow(PinsUnreadable);
  await expect(refusal()).rejects.toThrow('provisioning has not run');
  for (const [text, why] of [['{', 'is no JSON'], ['{"streams":{"A":1}}', 'does not hold'], ['null', 'does not hold'], ['{"streams":{}}', 'does not name WEBHOOK_INGEST']] as const) {
    writeFileSync(file, text);
    await expect(refusal()).rejects.toThrow(why);
  }
});

it('is ready again after a restart of the same broker, and not before it has compared', async () => {
  const worlds = await open(plane.broker, { file: plane.worldsFile });
  const told: WorldsState[] = [];
  worlds.onChange((state) => told.push(state));
  await plane.server.kill();
  await eventually(() => expect(worlds.state.why).toContain('not compared'));
  await plane.server.restart();
  await eventually(() => expect(worlds.state).toEqual({ ready: true }));
  expect(told.map(({ ready }) => ready)).toEqual([false, true]);
});

it('is not ready once another world answers on the same address', async () => {
  const worlds = await open(plane.broker, { file: plane.worldsFile });
  await plane.server.kill();
  rmSync(join(plane.server.dir, 'data'), { recursive: true });
  await plane.server.restart();
  await eventually(() => expect(worlds.state.why).toContain('WEBHOOK_INGEST is not on this broker'));
  await provision(plane.broker, { limits: plane.limits, log: testLog });
  await eventually(() => expect(worlds.state.why).toContain('WEBHOOK_INGEST was made at'));
});

it('notices a stream that is made again without any reconnect, among those it was told to watch', async () => {
  const [worlds, others] = [await open(plane.broker, { streams: ['WEBHOOK_RETRY'] }), await open(plane.broker, { streams: ['WEBHOOK_INGEST'] })];
  const { config } = await plane.broker.api<{ config: object }>('STREAM.INFO.WEBHOOK_RETRY');
  await plane.broker.api('STREAM.DELETE.WEBHOOK_RETRY');
  await plane.broker.api('STREAM.CREATE.WEBHOOK_RETRY', config);
  await eventually(() => expect(worlds.state.why).toContain('WEBHOOK_RETRY was made at'));
  expect(others.state).toEqual({ ready: true });
});
