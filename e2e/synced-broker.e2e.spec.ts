import { onPlane } from '@spillway/testing';

/** In quotes: without them nats-server reads two million seconds. */
const UNSYNCED = { broker: { jetstream: { sync_interval: '"2m"' } } };
const ALLOWED = { SPILLWAY_ALLOW_UNSYNCED: 'true' };
const INGEST_ALONE = { console: 0, dedupe: 0, dispatcher: 0 };

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
    expect((await plane.send({ tenant: 'acme', type: 'unsynced', data: 1 })).status).toBe(202);
  });
});
