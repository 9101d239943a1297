import 'reflect-metadata';
import type { EndpointDraft } from '@spillway/endpoints';
import { eventually, type Receiver } from '@spillway/testing';
import { Rig } from '../test/rig.ts';

let rig: Rig;
let receiver: Receiver;
beforeAll(async () => {
  rig = await Rig.start();
  receiver = await rig.receiver();
  // whoever suspended them did so before the retrier came
  await rig.set({ tenant: 'suspended' }, { suspended: { by: 'admin', at: new Date().toISOString() } });
  await rig.startRetrier({ SPILLWAY_MAX_DELIVERY_AGE_SECONDS: '5' });
}, 60_000);
afterAll(() => rig.stop(), 60_000);

/** Each once, however often its page was stored. */
const expiredOf = async (tenant: string): Promise<number> =>
  new Set((await rig.facts()).flatMap((fact) => (fact.type === 'delivery.expired' && fact.tenant === tenant ? [fact.delivery] : []))).size;

it.each<{ what: string; tenant: string; draft: Partial<EndpointDraft> }>([
  { what: 'of a disabled endpoint', tenant: 'disabled', draft: { enabled: false } },
  { what: 'of a suspended tenant', tenant: 'suspended', draft: {} },
])('a later attempt that is parked, $what, ends once it is too old', async ({ tenant, draft }) => {
  const endpoint = await rig.endpoint(receiver.url, draft, tenant);
  await Promise.all(Array.from({ length: 300 }, () => rig.park(endpoint, 60_000)));
  await Promise.all(Array.from({ length: 20 }, () => rig.park(endpoint, -3_600_000)));
  await eventually(async () => expect([await rig.parkedOf(endpoint), await expiredOf(tenant), receiver.requests.length]).toEqual([20, 300, 0]), 60_000);
}, 120_000);
