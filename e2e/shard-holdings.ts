import { eventually } from '@spillway/testing';
import { allShards } from '@spillway/topology';
import type { BrokerView } from './broker-view.ts';

type Sharded = 'dispatcher' | 'retrier';

/** How many shards each process of an app holds, fewest first. */
export const holdings = async (view: BrokerView, app: Sharded): Promise<number[]> => {
  const held = new Map<string, number>();
  for (const shard of allShards) {
    const { holder } = JSON.parse(await view.value('webhook_leases', `${app}.${shard}`)) as { holder: string };
    held.set(holder, (held.get(holder) ?? 0) + 1);
  }
  if (held.has('')) throw new Error('a shard is nobody’s');
  return [...held.values()].toSorted((a, b) => a - b);
};

/** Until they hold so many: two of them four each, unless said. */
export const untilHeld = (view: BrokerView, app: Sharded, wanted: readonly number[] = [4, 4]): Promise<void> =>
  eventually(async () => expect(await holdings(view, app)).toEqual(wanted), 60_000);
