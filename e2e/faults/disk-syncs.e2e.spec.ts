import { eventually, onPlane, sendUntilAnswered, type ToSend } from '@spillway/testing';
import { DiskSyncs } from '../disk-syncs.ts';

/** Only ingest writes: its commits are all that reaches the disk. */
const INGEST_ALONE = { console: 0, dedupe: 0, dispatcher: 0 };
const SINGLES = 40;
const BURST = 2_000;
/** As many messages as one group of ingest's publisher holds at most: what is stored together is synced once. */
const LARGEST_BATCH = 500;

const eventOf = (id: string): ToSend => ({ id, tenant: 'acme', type: 'synced', data: `{"text":"${'x'.repeat(500)}"}` });
const single = (i: number) => ({ tenant: 'acme', type: 'synced', id: `single-${i}`, data: 'x'.repeat(500) });

it('syncs before each 202, and for many at once in groups', async () => {
  await onPlane({ apps: INGEST_ALONE }, async (plane) => {
    const syncs = await DiskSyncs.of(plane.broker.pid);
    for (let i = 0; i < SINGLES; i += 1) {
      const before = syncs.count();
      expect((await plane.send(single(i))).status).toBe(202);
      await eventually(() => expect(syncs.count()).toBeGreaterThan(before)); // strace writes its line as the call returns, and this reads it later
    }
    const ofSingles = syncs.count();
    const events = Array.from({ length: BURST }, (_, i) => eventOf(`burst-${i}`));
    await sendUntilAnswered({ url: plane.app('ingest').url, key: plane.adminKey, events, connections: 200, onTried: ({ answer }) => expect(answer?.status).toBe(202) });
    const ofBurst = syncs.count() - ofSingles;
    process.stdout.write(`syncs: ${ofSingles} for ${SINGLES} events one after the other, ${ofBurst} for ${BURST} events over 200 connections\n`);
    expect(ofBurst).toBeGreaterThanOrEqual(BURST / LARGEST_BATCH);
    expect(ofBurst).toBeLessThan(BURST / 4); // or the group commit would be none
    await syncs.stop();
  });
});

it('sees no sync where the server makes none: what the counts rest on', async () => {
  const allowed = { SPILLWAY_ALLOW_UNSYNCED: 'true' };
  await onPlane({ apps: INGEST_ALONE, env: { ingest: allowed }, limits: allowed, broker: { jetstream: { sync_interval: '"2m"' } } }, async (plane) => {
    const syncs = await DiskSyncs.of(plane.broker.pid);
    for (let i = 0; i < SINGLES; i += 1) expect((await plane.send(single(i))).status).toBe(202);
    expect(syncs.count()).toBeLessThan(SINGLES / 10);
    await syncs.stop();
  });
});
