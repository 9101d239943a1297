import { rmSync } from 'node:fs';
import { Kvm } from '@nats-io/kv';
import { jetstream } from '@nats-io/jetstream';
import { eventually, startBroker } from '@spillway/testing';
import { bucketNames, desiredConfig, MIB, type Limits, type ManagedName } from '@spillway/topology';
import { Broker } from './broker.ts';
import { PublishRefused } from './errors.ts';
import { provision, ProvisioningRefused } from './provision.ts';
import { Publisher } from './publisher.ts';
import { startPlaneBroker, testLog, type PlaneBroker } from './testing/index.ts';

let plane: PlaneBroker;
beforeEach(async () => {
  plane = await startPlaneBroker();
});
afterEach(() => plane.stop());

type Info = { config: Record<string, unknown>; created: string; state: { messages: number; bytes: number } };
const info = (name: string) => plane.broker.api<Info>(`STREAM.INFO.${name}`);
const change = async (name: string, config: Record<string, unknown>) => plane.broker.api(`STREAM.UPDATE.${name}`, { ...(await info(name)).config, ...config });
const withBytes = (maxBytes: Partial<Limits['maxBytes']>): Limits => ({ ...plane.limits, maxBytes: { ...plane.limits.maxBytes, ...maxBytes } });
const refusal = async (options: Parameters<PlaneBroker['provision']>[0] = {}): Promise<ProvisioningRefused> => {
  const error: unknown = await plane.provision(options).then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (!(error instanceof ProvisioningRefused)) throw new Error(`expected a refusal, got ${String(error)}`);
  return error;
};
/** As somebody made it by hand. */
const remake = async (name: ManagedName, config: Record<string, unknown>) => {
  await plane.broker.api(`STREAM.DELETE.${name}`);
  await plane.broker.api(`STREAM.CREATE.${name}`, { ...desiredConfig(name, plane.limits), ...config });
};
const marker = (bucket: string) => plane.broker.api(`STREAM.MSG.GET.KV_${bucket}`, { last_by_subj: `$KV.${bucket}.marker` });
const fill = async (stream: 'WEBHOOK_INGEST' | 'WEBHOOK_DELIVERY' | 'WEBHOOK_LEDGER', subject: string, bytes: number) => {
  const publisher = new Publisher(plane.broker, stream);
  const piece = Buffer.alloc(64 * 1024);
  for (let stored = 0; stored < bytes; stored += piece.length) await publisher.publish(subject, [], piece);
};

it('changes nothing the second time', async () => {
  const before = await Promise.all(['WEBHOOK_DELIVERY', 'KV_webhook_keys'].map(info));
  expect(await plane.provision()).toMatchObject({ actions: [], notes: [] });
  expect((await Promise.all(['WEBHOOK_DELIVERY', 'KV_webhook_keys'].map(info))).map(({ config }) => config)).toEqual(before.map(({ config }) => config));
});

it('makes buckets that the client opens, reads and writes', async () => {
  for (const bucket of bucketNames) {
    const kv = await new Kvm(jetstream(plane.broker.nc)).open(bucket);
    const revision = await kv.create('some.key', 'one');
    await kv.update('some.key', 'two', revision);
    expect((await kv.get('some.key'))?.string()).toBe('two');
    await kv.purge('some.key');
    expect((await kv.get('some.key'))?.operation).toBe('PURGE');
    expect((await kv.status()).history).toBe(bucket === 'webhook_leases' ? 1 : 8);
  }
});

it('mends by itself what may be changed, and leaves what is the operator’s own', async () => {
  await change('WEBHOOK_RETRY', { max_age: 3_600e9, discard: 'old', allow_atomic: false, subjects: ['webhook.retry.>'], description: 'mine', metadata: { mine: 'too' } });
  await plane.broker.api('CONSUMER.CREATE.WEBHOOK_DELIVERY.dispatcher-fresh-3.webhook.delivery.fresh.3', {
    stream_name: 'WEBHOOK_DELIVERY',
    action: 'update',
    config: { ...(await plane.broker.api<Info>('CONSUMER.INFO.WEBHOOK_DELIVERY.dispatcher-fresh-3')).config, max_ack_pending: 7, max_deliver: 3, backoff: [1e9] },
  });
  const { actions } = await plane.provision();
  expect(actions.map((action) => [action.do, action.stream])).toEqual([['change durable', 'WEBHOOK_DELIVERY'], ['change stream', 'WEBHOOK_RETRY']]);
  expect((await info('WEBHOOK_RETRY')).config).toMatchObject({ max_age: 0, discard: 'new', allow_atomic: true, subjects: ['webhook.retry.at.*.*.*'], description: 'mine', metadata: { mine: 'too' } });
  expect((await plane.broker.api<Info>('CONSUMER.INFO.WEBHOOK_DELIVERY.dispatcher-fresh-3')).config).toMatchObject({ max_ack_pending: 2_048, max_deliver: -1 });
  expect((await plane.provision()).actions).toEqual([]);
});

it('makes again a durable that is gone, and reports one that nobody knows', async () => {
  await plane.broker.api('CONSUMER.DELETE.WEBHOOK_INGEST.dedupe-fresh');
  await plane.broker.api('CONSUMER.CREATE.WEBHOOK_RETRY.somebodys', { stream_name: 'WEBHOOK_RETRY', config: { durable_name: 'somebodys', ack_policy: 'none' } });
  // as every app that runs watches the buckets: thirty such notes would hide the one that matters
  await plane.broker.api('CONSUMER.CREATE.KV_webhook_keys.watcher', { stream_name: 'KV_webhook_keys', config: { name: 'watcher', ack_policy: 'none' } });
  const { actions, notes } = await plane.provision();
  expect(actions).toMatchObject([{ do: 'create durable', durable: 'dedupe-fresh' }]);
  expect(notes).toEqual(['WEBHOOK_RETRY has a consumer that is not in the catalogue, left alone: somebodys']);
});

it('does nothing on a dry run', async () => {
  await plane.broker.api('STREAM.DELETE.WEBHOOK_DEAD');
  const { actions } = await plane.provision({ adopt: ['WEBHOOK_DEAD'], dryRun: true });
  expect(actions).toMatchObject([{ do: 'create stream', stream: 'WEBHOOK_DEAD' }]);
  await expect(info('WEBHOOK_DEAD')).rejects.toThrow('stream not found');
});

describe('limits', () => {
  it('lets flow resume when one is raised while it is reached', async () => {
    await plane.provision({ limits: withBytes({ WEBHOOK_DELIVERY: MIB }) });
    await expect(fill('WEBHOOK_DELIVERY', 'webhook.delivery.fresh.0', 2 * MIB)).rejects.toThrow(PublishRefused);
    const { state } = await info('WEBHOOK_DELIVERY');
    await plane.provision({ limits: withBytes({ WEBHOOK_DELIVERY: 2 * MIB }) });
    await fill('WEBHOOK_DELIVERY', 'webhook.delivery.fresh.0', 256 * 1024);
    expect((await info('WEBHOOK_DELIVERY')).state.messages).toBe(state.messages + 4);
  });

  it('says so when one is lowered below what is stored, and deletes nothing', async () => {
    await fill('WEBHOOK_DELIVERY', 'webhook.delivery.fresh.0', MIB);
    const { state } = await info('WEBHOOK_DELIVERY');
    const { notes } = await plane.provision({ limits: withBytes({ WEBHOOK_DELIVERY: MIB / 2 }) });
    expect(notes).toEqual([expect.stringMatching(/WEBHOOK_DELIVERY holds 1(\.\d+)?MiB, more than its new limit/)]);
    expect((await info('WEBHOOK_DELIVERY')).state).toMatchObject({ messages: state.messages });
  });

  it('refuses what would make the ledger forget', async () => {
    await fill('WEBHOOK_LEDGER', 'webhook.ledger.acme', MIB);
    const { state } = await info('WEBHOOK_LEDGER');
    expect((await refusal({ limits: withBytes({ WEBHOOK_LEDGER: MIB / 2 }) })).message).toContain('512KiB would delete facts');
    expect((await info('WEBHOOK_LEDGER')).state).toEqual(state);
  });

  it('refuses a share below what lies on a subject: the server would delete acknowledged messages', async () => {
    await fill('WEBHOOK_INGEST', 'webhook.ingest.fresh.small', 2 * 64 * 1024);
    await fill('WEBHOOK_INGEST', 'webhook.ingest.fresh.acme', 10 * 64 * 1024);
    const share = (messages: number) => ({ limits: { ...plane.limits, maxMessagesPerSubject: { ...plane.limits.maxMessagesPerSubject, WEBHOOK_INGEST: messages } } });
    expect((await refusal(share(11))).faults).toEqual([{ what: expect.stringContaining('WEBHOOK_INGEST holds 10 messages on one subject: a share of 11'), remedy: 'Let it drain to 9, or choose at least 12.' }]);
    expect((await plane.provision(share(12))).actions).toMatchObject([{ do: 'change stream', changes: [{ property: 'max_msgs_per_subject', from: 200_000, to: 12 }] }]);
    expect((await info('WEBHOOK_INGEST')).state.messages).toBe(12);
  });

  it('says what sum is wanted when the broker has not the storage', async () => {
    const small = await startBroker({ jetstream: { max_file_store: String(200 * MIB) } });
    const broker = await Broker.connect({ servers: small.url, name: 'test', log: testLog });
    const refused = provision(broker, { limits: plane.limits, log: testLog });
    await expect(refused).rejects.toMatchObject({ code: 'SPILLWAY_PROVISIONING_REFUSED', message: expect.stringContaining('together want 640MiB'), remediation: expect.stringContaining('max_file_store') });
    await small.restart({});
    await eventually(() => expect(broker.connected).toBe(true));
    expect((await provision(broker, { limits: plane.limits, log: testLog })).actions.length).toBeGreaterThan(10);
    await broker.close();
    await small.stop();
  });

  it('says what replicas need', async () => {
    expect((await refusal({ limits: { ...plane.limits, replicas: 3 } })).remediation).toContain('SPILLWAY_NATS_REPLICAS=3 needs a cluster');
  });
});

describe('what is not ours, or cannot become it', () => {
  it('names all of it at once, each with its remedy, and changes nothing', async () => {
    await remake('WEBHOOK_RETRY', { storage: 'memory' });
    await remake('WEBHOOK_PARKED', { deny_purge: true, metadata: { 'spillway-shards': '16' }, max_age: 1e12 });
    await plane.broker.api('STREAM.DELETE.WEBHOOK_DEAD');
    await remake('KV_webhook_keys', {});
    rmSync(plane.worldsFile);
    const { faults, message } = await refusal();
    expect(faults.map(({ what }) => what)).toEqual([
      expect.stringMatching(/^WEBHOOK_RETRY has storage memory, the catalogue file.*does not change it/),
      expect.stringMatching(/^WEBHOOK_PARKED has deny_purge true, the catalogue false/),
      expect.stringMatching(/^WEBHOOK_PARKED was made for 16 shards, this version has 8/),
    ]);
    for (const { what, remedy } of faults) expect(message).toContain(`${what}\n  ${remedy}`);
    await expect(info('WEBHOOK_DEAD')).rejects.toThrow('stream not found');
  });

  it('refuses a durable whose immutable part differs', async () => {
    await plane.broker.api('CONSUMER.DELETE.WEBHOOK_INGEST.dedupe-fresh');
    await plane.broker.api('CONSUMER.CREATE.WEBHOOK_INGEST.dedupe-fresh.webhook.ingest.fresh.*', {
      stream_name: 'WEBHOOK_INGEST',
      config: { durable_name: 'dedupe-fresh', name: 'dedupe-fresh', ack_policy: 'explicit', deliver_policy: 'new', filter_subject: 'webhook.ingest.fresh.*' },
    });
    const { faults } = await refusal();
    expect(faults).toEqual([{ what: expect.stringContaining('dedupe-fresh of WEBHOOK_INGEST has deliver_policy new, the catalogue all'), remedy: expect.stringContaining('nats consumer rm WEBHOOK_INGEST dedupe-fresh') }]);
  });

  it('refuses a stream that takes our subjects', async () => {
    await plane.broker.api('STREAM.DELETE.WEBHOOK_LEDGER');
    await plane.broker.api('STREAM.CREATE.OTHER', { name: 'OTHER', subjects: ['webhook.ledger.>'] });
    expect((await refusal({ adopt: ['WEBHOOK_LEDGER'] })).remediation).toContain('nats stream ls --subject');
  });

  it('refuses a stream that is not the known one until it is adopted', async () => {
    await remake('WEBHOOK_RETRY', {});
    await plane.broker.api('STREAM.DELETE.WEBHOOK_DEAD');
    const { faults } = await refusal();
    expect(faults.map(({ what, remedy }) => [what, remedy])).toEqual([
      [expect.stringMatching(/^WEBHOOK_RETRY on this broker was made at .*another world/), expect.stringContaining('spillway provision --adopt WEBHOOK_RETRY')],
      [expect.stringMatching(/^WEBHOOK_DEAD, made at .*, is not on this broker/), expect.stringContaining('spillway provision --adopt WEBHOOK_DEAD')],
    ]);
    expect((await refusal({ adopt: ['WEBHOOK_DEAD'] })).faults).toHaveLength(1);
    const { worlds } = await plane.provision({ adopt: ['WEBHOOK_RETRY', 'WEBHOOK_DEAD'] });
    expect([worlds['WEBHOOK_RETRY'], worlds['WEBHOOK_DEAD']]).toEqual([(await info('WEBHOOK_RETRY')).created, (await info('WEBHOOK_DEAD')).created]);
    expect((await plane.provision()).actions).toEqual([]);
  });

  it('refuses a second, empty broker, and makes nothing there', async () => {
    const empty = await startBroker();
    const broker = await Broker.connect({ servers: empty.url, name: 'test', log: testLog });
    await expect(provision(broker, { limits: plane.limits, log: testLog, worldsFile: plane.worldsFile })).rejects.toMatchObject({
      message: expect.stringMatching(/^this broker is another world: it has none of the 10 streams and buckets that are known \(WEBHOOK_INGEST, made at .*, is not here\)$/),
      remediation: expect.stringContaining('--adopt WEBHOOK_INGEST --adopt WEBHOOK_DELIVERY'),
    });
    expect(await broker.api('INFO')).toMatchObject({ streams: 0 });
    await broker.close();
    await empty.stop();
  });
});

describe('a bucket’s marker', () => {
  it('is written again where provisioning died before it was', async () => {
    const { config } = await info('KV_webhook_endpoints');
    await plane.broker.api('STREAM.DELETE.KV_webhook_endpoints');
    await plane.broker.api('STREAM.CREATE.KV_webhook_endpoints', config);
    rmSync(plane.worldsFile); // written last, so a run that died has not noted the stream either
    expect((await plane.provision()).actions).toEqual([{ do: 'mark bucket', stream: 'KV_webhook_endpoints' }]);
    await marker('webhook_endpoints');
  });

  it('is not written to a bucket that was emptied, unless somebody says that it is right so', async () => {
    await plane.broker.api('STREAM.PURGE.KV_webhook_endpoints');
    expect((await refusal()).faults).toEqual([{ what: 'KV_webhook_endpoints has no marker: it was emptied, or made by somebody else', remedy: expect.stringContaining('--adopt KV_webhook_endpoints') }]);
    await expect(marker('webhook_endpoints')).rejects.toThrow('no message found');
    await plane.provision({ adopt: ['KV_webhook_endpoints'] });
    await marker('webhook_endpoints');
  });
});

