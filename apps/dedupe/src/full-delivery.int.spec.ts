import 'reflect-metadata';
import { eventually } from '@spillway/testing';
import { Rig } from '../test/rig.ts';

let rig: Rig;
beforeEach(async () => {
  rig = await Rig.start();
}, 60_000);
afterEach(() => rig.stop(), 60_000);

const said = async (): Promise<Record<string, unknown>> => ({
  status: (await rig.readiness()).status,
  detail: (await rig.readiness()).checks['delivery']?.detail,
  refused: await rig.metric('spillway_deliveries_refused_total', 'WEBHOOK_DELIVERY'),
  waiting: await rig.metric('spillway_deliveries_waiting_for_room'),
});
const nothingWaits = { status: 200, detail: { isFull: false, waitingForRoom: 0 } };
/** Several times as long as what is refused waits before it is tried again. */
const lasting = async (ms: number, holds: () => Promise<void>): Promise<void> => {
  const startedAt = performance.now();
  await eventually(async () => {
    await holds();
    expect(performance.now() - startedAt).toBeGreaterThan(ms);
  }, 60_000);
};

it.each([
  { endpoints: 2, how: 'each by itself' },
  { endpoints: 12, how: 'as one batch' },
])('a full DELIVERY is named, and how much waits for it: $endpoints deliveries, $how, counted once however often they are tried', async ({ endpoints }) => {
  for (let n = 0; n < endpoints; n += 1) await rig.endpoint();
  await rig.startDedupe();
  await eventually(async () => expect(await said()).toEqual({ ...nothingWaits, refused: 0, waiting: 0 }), 60_000);
  await rig.limit('WEBHOOK_DELIVERY', 100);
  const event = await rig.accept('a');
  const full = { status: 200, detail: { isFull: true, waitingForRoom: endpoints }, refused: endpoints, waiting: endpoints };
  await eventually(async () => expect(await said()).toEqual(full), 60_000);
  await lasting(1_500, async () => expect(await said()).toEqual(full));
  await rig.limit('WEBHOOK_DELIVERY', 2 ** 26);
  await rig.untilSettled(event);
  expect(await said()).toEqual({ ...nothingWaits, refused: endpoints, waiting: 0 });
  expect(await rig.left('WEBHOOK_DELIVERY')).toBe(endpoints);
}, 150_000);
