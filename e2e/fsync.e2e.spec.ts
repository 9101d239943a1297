import { eventually, onPlane } from '@spillway/testing';
import { DiskSyncs } from './disk-syncs.ts';

const UNSYNCED = { broker: { jetstream: { sync_interval: '2m' } } };
const ALLOWED = { SPILLWAY_ALLOW_UNSYNCED: 'true' };
/** Only ingest writes: its commits are all that reaches the disk. */
const INGEST_ALONE = { console: 0, dedupe: 0, dispatcher: 0 };
const SINGLES = 40;
const BATCHES = 10;
const BATCH_SIZE = 500;

const event = (id: string): string => `{"tenant":"acme","type":"synced","id":"${id}","data":{"text":"${'x'.repeat(500)}"}}`;

it('syncs before each 202, and once for a whole batch', async () => {
  await onPlane({ apps: INGEST_ALONE }, async (plane) => {
    const syncs = await DiskSyncs.of(plane.broker.pid);
    for (let i = 0; i < SINGLES; i += 1) {
      const before = syncs.count();
      expect((await plane.send(event(`single-${i}`))).status).toBe(202);
      await eventually(() => expect(syncs.count()).toBeGreaterThan(before)); // strace writes its line as the call returns, and this reads it later
    }
    const ofSingles = syncs.count();
    for (let i = 0; i < BATCHES; i += 1) {
      const batch = `[${Array.from({ length: BATCH_SIZE }, (_, n) => event(`batch-${i}-${n}`)).join(',')}]`;
      expect((await plane.ask('POST', `${plane.app('ingest').url}/v1/events/batch`, batch)).status).toBe(202);
    }
    const ofBatches = syncs.count() - ofSingles;
    process.stdout.write(`syncs: ${ofSingles} for ${SINGLES} single events, ${ofBatches} for ${BATCHES} batches of ${BATCH_SIZE}\n`);
    expect(ofBatches).toBeGreaterThanOrEqual(BATCHES);
    expect(ofBatches).toBeLessThan((BATCHES * BATCH_SIZE) / 10); // or the group commit would be none
    await syncs.stop();
  });
});

it('refuses to start on a broker that syncs every two minutes', async () => {
  await onPlane({ apps: { ...INGEST_ALONE, ingest: 0 } }, async (plane) => {
    await plane.broker.restart({ ...plane.brokerOptions, ...UNSYNCED.broker });
    await expect(plane.provision()).rejects.toThrow(/syncs to disk every 120 s[^]*sync_interval: always/);
    const ingest = await plane.prepare('ingest');
    await ingest.start();
    const { code } = await ingest.ended();
    expect(code).not.toBe(0);
    expect(ingest.logs()).toMatch(/syncs to disk every 120 s/);
    expect(ingest.logs()).toMatch(/sync_interval: always/);
  });
});

it('starts all the same when that is allowed, and says so where nobody misses it', async () => {
  await onPlane({ apps: { ...INGEST_ALONE, ingest: 0 }, ...UNSYNCED, limits: ALLOWED }, async (plane) => {
    const ingest = await plane.add('ingest', ALLOWED);
    expect(ingest.logs()).toMatch(/"level":"warn"[^\n]*ACKNOWLEDGED EVENTS MAY BE LOST/);
    // the guard seen to fail: what the count above rests on is not there
    const syncs = await DiskSyncs.of(plane.broker.pid);
    for (let i = 0; i < SINGLES; i += 1) expect((await plane.send(event(`single-${i}`))).status).toBe(202);
    expect(syncs.count()).toBeLessThan(SINGLES / 10);
    await syncs.stop();
  });
});
