import { eventually, type BrokerOptions } from '@spillway/testing';
import { MIB, type ManagedName } from '@spillway/topology';
import { PublishRefused } from './errors.ts';
import { ProvisioningRefused } from './provision.ts';
import { Publisher } from './publisher.ts';
import { limitStream, type Limited, type LimitOptions } from './stream-limit.ts';
import { startPlaneBroker, type PlaneBroker } from './testing/index.ts';

let plane: PlaneBroker;
beforeEach(async () => {
  plane = await startPlaneBroker({ limits: { maxBytes: { WEBHOOK_DELIVERY: MIB } } });
});
afterEach(() => plane.stop());

const limit = (name: ManagedName, set: LimitOptions['set'], mayForget = false): Promise<Limited> => limitStream(plane.broker, name, { limits: plane.limits, set, mayForget });
const configOf = async (name: ManagedName) => (await plane.broker.api<{ config: Record<string, unknown> }>(`STREAM.INFO.${name}`)).config;
const fill = async (stream: 'WEBHOOK_DELIVERY' | 'WEBHOOK_LEDGER' | 'WEBHOOK_INGEST', subject: string, bytes: number) => {
  const publisher = new Publisher(plane.broker, stream);
  for (let stored = 0; stored < bytes; stored += 64 * 1024) await publisher.publish(subject, [], Buffer.alloc(64 * 1024));
};
/** Until the connection is a new one: right after a restart the old one may not have noticed, and what is asked then is lost. */
const restart = async (options?: BrokerOptions): Promise<void> => {
  await plane.server.kill();
  await eventually(() => expect(plane.broker.connected).toBe(false));
  await plane.server.restart(options);
  await eventually(() => expect(plane.broker.connected).toBe(true));
};

it('lets a writer that waits at a full stream go on, without anything else', async () => {
  const publisher = new Publisher(plane.broker, 'WEBHOOK_DELIVERY');
  let stored = 0;
  let refused = 0;
  // as ingest’s or dedupe’s: it tries again and again
  const writing = eventually(async () => {
    while (stored < 32) {
      await publisher.publish('webhook.delivery.fresh.0', [], Buffer.alloc(64 * 1024)).catch((error: unknown) => {
        if (error instanceof PublishRefused) refused += 1;
        throw error;
      });
      stored += 1;
    }
  });
  await eventually(() => expect(refused).toBeGreaterThan(2));
  expect(stored).toBeLessThan(16);
  expect(await limit('WEBHOOK_DELIVERY', { maxBytes: 8 * MIB })).toMatchObject({ changes: [{ property: 'max_bytes', from: MIB, to: 8 * MIB }, { property: 'metadata.spillway-max-bytes' }], notes: [] });
  await writing;
  expect(stored).toBe(32);
});

it('is respected by provisioning from then on, until it is taken back', async () => {
  await limit('WEBHOOK_INGEST', { maxBytes: 8 * MIB });
  const { overrides } = await limit('WEBHOOK_INGEST', { maxMessagesPerSubject: 5_000 });
  expect(overrides).toEqual({ maxBytes: 8 * MIB, maxMessagesPerSubject: 5_000 });
  expect((await plane.provision()).actions).toEqual([]);
  expect(await configOf('WEBHOOK_INGEST')).toMatchObject({ max_bytes: 8 * MIB, max_msgs_per_subject: 5_000 });
  expect((await limit('WEBHOOK_INGEST', 'reset')).overrides).toEqual({});
  expect(await configOf('WEBHOOK_INGEST')).toMatchObject({ max_bytes: 64 * MIB, max_msgs_per_subject: 200_000, discard_new_per_subject: true });
  expect((await limit('WEBHOOK_INGEST', 'reset')).changes).toEqual([]);
  expect((await plane.provision()).actions).toEqual([]);
});

it('survives a restart of the broker, and changes nothing else of a stream', async () => {
  const before = await configOf('WEBHOOK_PARKED');
  await limit('WEBHOOK_PARKED', { maxBytes: 3 * MIB });
  await restart();
  const after = await configOf('WEBHOOK_PARKED');
  expect(after).toEqual({ ...before, max_bytes: 3 * MIB, metadata: { ...(before['metadata'] as object), 'spillway-max-bytes': String(3 * MIB) } });
});

it('holds for a bucket as for a stream', async () => {
  await limit('KV_webhook_keys', { maxBytes: 2 * MIB });
  expect(await configOf('KV_webhook_keys')).toMatchObject({ max_bytes: 2 * MIB, max_msgs_per_subject: 8 });
});

it('replaces what somebody wrote there by hand', async () => {
  const config = await configOf('WEBHOOK_RETRY');
  await plane.broker.api('STREAM.UPDATE.WEBHOOK_RETRY', { ...config, metadata: { ...(config['metadata'] as object), 'spillway-max-bytes': 'lots' } });
  await expect(plane.provision()).rejects.toThrow('metadata spillway-max-bytes is "lots"');
  await limit('WEBHOOK_RETRY', { maxBytes: 2 * MIB });
  expect((await plane.provision()).actions).toEqual([]);
});

it('does not make the ledger forget unless told so', async () => {
  await fill('WEBHOOK_LEDGER', 'webhook.ledger.acme', 2 * MIB);
  await expect(limit('WEBHOOK_LEDGER', { maxBytes: MIB })).rejects.toThrow('would delete facts');
  await limit('WEBHOOK_LEDGER', { maxBytes: MIB }, true);
  expect(await plane.broker.api('STREAM.INFO.WEBHOOK_LEDGER')).toMatchObject({ state: { messages: 15 } });
  expect((await plane.provision()).actions).toEqual([]);
});

it('does not lower a share below what lies on a subject', async () => {
  await fill('WEBHOOK_INGEST', 'webhook.ingest.fresh.acme', 10 * 64 * 1024);
  await expect(limit('WEBHOOK_INGEST', { maxMessagesPerSubject: 5 })).rejects.toThrow(ProvisioningRefused);
  expect(await plane.broker.api('STREAM.INFO.WEBHOOK_INGEST')).toMatchObject({ state: { messages: 10 } });
});

it('says what sum is wanted when the storage does not suffice', async () => {
  await restart({ jetstream: { max_file_store: String(700 * MIB) } });
  await expect(limit('WEBHOOK_INGEST', { maxBytes: 1_024 * MIB })).rejects.toMatchObject({ message: expect.stringMatching(/together want 1\.5GiB on each server, of which 577MiB were reserved/) });
  await expect(limit('WEBHOOK_INGEST', { maxBytes: 65 * MIB })).resolves.toMatchObject({ notes: [] });
});

it('does not touch a stream of another world', async () => {
  const other = await startPlaneBroker();
  const options = { limits: plane.limits, set: { maxBytes: MIB }, worldsFile: other.worldsFile };
  await expect(limitStream(plane.broker, 'WEBHOOK_RETRY', options)).rejects.toThrow('this is another world');
  await limitStream(plane.broker, 'WEBHOOK_RETRY', { ...options, worldsFile: plane.worldsFile });
  await other.stop();
});
