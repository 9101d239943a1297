import 'reflect-metadata';
import type { DroppedAtDoor } from '@spillway/contracts';
import { eventually } from '@spillway/testing';
import { subject } from '@spillway/topology';
import { Rig } from '../../test/rig.ts';

let rig: Rig;
beforeEach(async () => {
  rig = await Rig.start();
}, 60_000);
afterEach(() => rig.stop(), 60_000);

const tell = (...dropped: DroppedAtDoor[]): void => rig.plane.broker.nc.publish(subject.tellDropped, JSON.stringify(dropped));

it('a storm by id that ingest drops whole at its door is named all the same', async () => {
  await rig.endpoint();
  await rig.startDedupe();
  await rig.untilSettled(await rig.accept('a'));
  const storm = await eventually(async () => {
    rig.plane.broker.nc.publish(subject.tellDropped, 'nothing that can be read');
    tell({ tenant: 'acme', type: 'invoice.paid', count: 400 }, { tenant: 'other', type: 'a', count: 1 });
    const [found] = await rig.factsOf('dedupe.storm');
    if (!found) throw new Error('no storm was named');
    return found;
  }, 60_000);
  expect(storm).toMatchObject({ tenant: 'acme', eventType: 'invoice.paid', by: 'id' });
  expect(storm.duplicates).toBeGreaterThanOrEqual(400);
  expect(storm.events - storm.duplicates).toBe(1); // the original, which came the usual way
  expect(storm).not.toHaveProperty('rule');
}, 120_000);

it('events of types that there is no room to watch are counted', async () => {
  await rig.startDedupe();
  const many = Array.from({ length: 1_010 }, (_, n) => ({ tenant: 'acme', type: `type.${n}`, count: 2 }));
  await eventually(async () => {
    tell(...many);
    expect(await rig.metric('spillway_dedupe_storm_types')).toBe(1_000);
    expect(await rig.metric('spillway_dedupe_storm_unwatched_total')).toBeGreaterThanOrEqual(20);
  }, 60_000);
  expect([await rig.metric('spillway_dedupe_storm_samples'), await rig.metric('spillway_dedupe_storm_unsampled')]).toEqual([0, 0]);
}, 120_000);
