import type { DroppedAtDoor } from '@spillway/contracts';
import { eventually } from '@spillway/testing';
import { DroppedByType } from './dropped-by-type.ts';

const given = (everyMs: number) => {
  const told: DroppedAtDoor[][] = [];
  return { told, dropped: new DroppedByType((what) => told.push(what), everyMs) };
};

describe('what was dropped by type', () => {
  it('is told in one go, and then anew', async () => {
    const { told, dropped } = given(20);
    for (let n = 0; n < 5; n += 1) dropped.add('acme', n % 2 === 0 ? 'a' : 'b');
    dropped.add('other', 'a');
    expect(told).toEqual([]);
    await eventually(() => expect(told).toEqual([[{ tenant: 'acme', type: 'a', count: 3 }, { tenant: 'acme', type: 'b', count: 2 }, { tenant: 'other', type: 'a', count: 1 }]]));
    dropped.add('acme', 'a');
    await eventually(() => expect(told[1]).toEqual([{ tenant: 'acme', type: 'a', count: 1 }]));
  });

  it('is bounded in its types, and told at the end', () => {
    const { told, dropped } = given(3_600_000);
    for (let n = 0; n < 1_500; n += 1) dropped.add('acme', `type.${n}`);
    dropped.add('acme', 'type.0');
    dropped.close();
    dropped.close();
    expect([told.length, told[0]?.length, told[0]?.[0]]).toEqual([1, 1_000, { tenant: 'acme', type: 'type.0', count: 2 }]);
  });
});
