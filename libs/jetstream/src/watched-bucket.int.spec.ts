import { buckets, MARKER_KEY } from '@spillway/topology';
import { eventually } from '@spillway/testing';
import { PublishRefused, RevisionConflict, Stopped } from './errors.ts';
import { startPlaneBroker, testLog, type PlaneBroker } from './testing/index.ts';
import { WatchedBucket } from './watched-bucket.ts';

const BUCKET = 'webhook_control';
const STREAM = `KV_${BUCKET}`;

let plane: PlaneBroker;
let bucket: WatchedBucket;
beforeEach(async () => {
  plane = await startPlaneBroker();
  bucket = await WatchedBucket.open(plane.broker, BUCKET, { log: testLog });
  await bucket.whenReady();
});
afterEach(async () => {
  bucket.close();
  await plane.stop();
});

describe('a watched bucket', () => {
  it('holds what others write, and tells of it', async () => {
    const told: string[] = [];
    bucket.onChange((key, entry) => told.push(`${key}=${entry?.value ?? 'removed'}`));
    const other = await WatchedBucket.open(await plane.connect(), BUCKET, { log: testLog });
    await other.put('a.b', 'one');
    await other.put('a.b', 'two');
    await other.remove('a.b');
    await eventually(() => expect(told).toEqual(['a.b=one', 'a.b=two', 'a.b=removed']));
    expect(bucket.get('a.b')).toBeUndefined();
    other.close();
  });

  it('holds only what it is asked to keep, and is as ready', async () => {
    await bucket.put('tenant.acme', 'kept');
    await bucket.put('endpoint.ep_1', 'not');
    const told: string[] = [];
    const some = await WatchedBucket.open(await plane.connect(), BUCKET, { log: testLog, keep: (key) => key.startsWith('tenant.') });
    some.onChange((key) => told.push(key));
    await some.whenReady();
    expect([...some.entries()].map(([key]) => key)).toEqual(['tenant.acme']);
    expect(await some.caughtUp(await bucket.put('endpoint.ep_2', 'not'))).toBe(true);
    await bucket.remove('tenant.acme');
    await eventually(() => expect(told).toEqual(['tenant.acme', 'tenant.acme']));
    some.close();
  });

  it('lets only one of two writers win, and a removed key be made again', async () => {
    const revision = await bucket.create('k', '1');
    await expect(bucket.create('k', 'x')).rejects.toBeInstanceOf(RevisionConflict);
    const next = await bucket.update('k', '2', revision);
    await expect(bucket.update('k', 'x', revision)).rejects.toBeInstanceOf(RevisionConflict);
    await bucket.remove('k');
    await expect(bucket.read('k')).resolves.toBeUndefined();
    expect(await bucket.create('k', '3')).toBeGreaterThan(next);
    expect(await bucket.read('k')).toMatchObject({ value: '3' });
  });

  it('says that it is full', async () => {
    const { config } = await plane.broker.api<{ config: object }>(`STREAM.INFO.${STREAM}`);
    await plane.broker.api(`STREAM.UPDATE.${STREAM}`, { ...config, max_bytes: 2_000 });
    await expect(bucket.put('k', 'x'.repeat(4_000))).rejects.toBeInstanceOf(PublishRefused);
  });

  it('is not to be believed while the broker is away, and is again after it came back', async () => {
    await bucket.caughtUp(await bucket.put('k', '1'));
    await plane.server.kill();
    await eventually(() => expect(bucket.state.ready).toBe(false));
    expect(bucket.get('k')).toBeDefined();
    await plane.server.restart();
    await eventually(() => expect(bucket.state.ready).toBe(true), 60_000);
    await bucket.put('k', '2');
    await eventually(() => expect(bucket.get('k')?.value).toBe('2'));
  });

  it('is watched from the server’s memory: a place kept on disk is two disk syncs a change', async () => {
    const { consumers } = await plane.broker.api<{ consumers: { config: { mem_storage?: boolean } }[] }>(`CONSUMER.LIST.${STREAM}`, {});
    expect(consumers.map(({ config }) => config.mem_storage)).toEqual([true]);
  });

  it('is watched again when the server lost the watch without a word', async () => {
    await bucket.caughtUp(await bucket.put('k', '1'));
    const { consumers } = await plane.broker.api<{ consumers: { name: string }[] }>(`CONSUMER.LIST.${STREAM}`, {});
    for (const { name } of consumers) await plane.broker.api(`CONSUMER.DELETE.${STREAM}.${name}`);
    await bucket.put('k', '2');
    await bucket.remove('k');
    await bucket.put('l', '3');
    await eventually(() => expect([bucket.get('k'), bucket.get('l')?.value]).toEqual([undefined, '3']));
    expect(bucket.state.ready).toBe(true);
  });

  it('is not to be believed when it was emptied', async () => {
    await bucket.caughtUp(await bucket.put('k', '1'));
    await plane.broker.api(`STREAM.PURGE.${STREAM}`);
    await eventually(() => expect(bucket.state).toMatchObject({ ready: false, why: expect.stringContaining('emptied') as string }));
    expect(bucket.get('k')).toBeDefined();
  });

  it('is not to be believed when it was made again, with or without a marker', async () => {
    const { config } = await plane.broker.api<{ config: object }>(`STREAM.INFO.${STREAM}`);
    await plane.broker.api(`STREAM.DELETE.${STREAM}`);
    await eventually(() => expect(bucket.state.ready).toBe(false));
    await plane.broker.api(`STREAM.CREATE.${STREAM}`, config);
    await eventually(() => expect(bucket.state).toMatchObject({ ready: false, why: expect.stringContaining('made again') as string }));
    await plane.broker.nc.request(`$KV.${BUCKET}.${MARKER_KEY}`, '{}');
    const later = performance.now() + 2_500;
    await eventually(() => expect(performance.now()).toBeGreaterThan(later));
    expect(bucket.state.ready).toBe(false);
  });

  it('is not ready at all without its marker', async () => {
    await plane.broker.api(`STREAM.DELETE.${STREAM}`);
    await plane.broker.api(`STREAM.CREATE.${STREAM}`, { name: STREAM, subjects: [`$KV.${BUCKET}.>`], allow_direct: true, max_msgs_per_subject: buckets[BUCKET].history });
    const stranger = await WatchedBucket.open(plane.broker, BUCKET, { log: testLog });
    await expect(stranger.whenReady(1_500)).rejects.toThrow('no marker');
    const waited = stranger.whenReady(60_000).catch((error: unknown) => error);
    stranger.close();
    expect(await waited).toBeInstanceOf(Stopped);
  });
});
