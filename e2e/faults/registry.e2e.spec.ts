import { setTimeout as pause } from 'node:timers/promises';
import { deliveryHeaders, eventHeaders } from '@spillway/contracts';
import { eventually, startReceiver, type Plane, type PlaneProcess, type Receiver } from '@spillway/testing';
import { shardOf, subject } from '@spillway/topology';
import { onPlaneInView, type BrokerView } from '../broker-view.ts';

const TENANT = 'registry';

let receiver: Receiver;
beforeEach(async () => {
  receiver = await startReceiver();
});
afterEach(() => receiver.stop());

const isUnready = (app: PlaneProcess): Promise<void> =>
  eventually(async () => expect(await app.readiness()).toMatchObject({ status: 503, body: expect.stringContaining('webhook_endpoints') }));
const refusesToStart = async (app: PlaneProcess): Promise<void> => {
  expect((await app.ended()).code).not.toBe(0);
  expect(app.tail()).toContain('webhook_endpoints');
};

/** `afterRestart`: what an app does that is started then; not tried where it would believe what it finds. */
type Loss = { how: string; empty: (plane: Plane, view: BrokerView) => Promise<unknown>; afterRestart?: (app: PlaneProcess) => Promise<void> };
const remove = (_plane: Plane, view: BrokerView) => view.broker.api('STREAM.DELETE.KV_webhook_endpoints');
const losses: Loss[] = [
  { how: 'purged', empty: (_plane, view) => view.broker.api('STREAM.PURGE.KV_webhook_endpoints'), afterRestart: isUnready },
  { how: 'deleted', empty: remove, afterRestart: refusesToStart },
  {
    how: 'deleted and made again',
    empty: async (plane, view) => {
      await remove(plane, view);
      await plane.provision({}, ['--adopt', 'KV_webhook_endpoints']); // by mistake; whoever starts after that believes it
    },
  },
];

const WAITING = 10;
/** Straight into the streams, because ingest refuses a broker that is not whole. */
const writeEvents = async (view: BrokerView, endpointId: string): Promise<void> => {
  const body = Buffer.from('{"type":"kind.kept","timestamp":"2026-01-01T00:00:00Z","data":1}');
  for (let i = 0; i < WAITING; i += 1) {
    const meta = { eventId: `evt_written-behind-ingest-${i}`, tenant: TENANT, type: 'kind.kept', source: '/e2e', acceptedAt: new Date().toISOString() };
    await view.publish('WEBHOOK_INGEST', subject.ingest('fresh', TENANT), eventHeaders(meta), body);
    await view.publish('WEBHOOK_DELIVERY', subject.delivery('fresh', shardOf(endpointId)), deliveryHeaders({ ...meta, endpointId, attempt: 1 }), body);
  }
};

it.each(losses)('becomes unready when the registry was $how, and ends no delivery', async ({ empty, afterRestart }) => {
  await onPlaneInView({}, async (plane, view) => {
    const { id } = await plane.createEndpoint(TENANT, { url: receiver.url });
    const apps = [plane.app('dedupe'), plane.app('dispatcher')];
    const said = await view.count('WEBHOOK_LEDGER'); // of the endpoint; of an end there would be more
    const nothingEnds = async (): Promise<void> => {
      await pause(6_000); // longer than ack_wait: whatever would be taken, or come again, has been
      expect(await view.waiting()).toEqual({ WEBHOOK_INGEST: WAITING, WEBHOOK_DELIVERY: WAITING });
      expect([await view.count('WEBHOOK_LEDGER'), receiver.requests.length]).toEqual([said, 0]);
    };
    await empty(plane, view);
    for (const app of apps) {
      await isUnready(app);
      expect(app.logs()).toMatch(/"level":"error"[^\n]*webhook_endpoints/);
    }
    await pause(2_000); // a pull that was open when the registry went stays so for a second; what it brings is judged by what was known
    await writeEvents(view, id);
    await nothingEnds();
    if (!afterRestart) return;
    for (const app of apps) {
      await app.kill();
      await app.start();
      await afterRestart(app);
    }
    await nothingEnds();
  });
});
