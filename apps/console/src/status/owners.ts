import type { WatchedBucket } from '@spillway/jetstream';

/** A lease is renewed each second, and may be taken by others after 4 s of standstill: a key that stood still for longer names nobody. */
const STANDSTILL_MS = 4_000;

type Held = { holder: string; revision: number; since: number };

/** Who works which shard, as bucket `webhook_leases` shows it (`<app>.<shard>`): only for people to see, nothing is decided by it. */
export class Owners {
  private readonly held = new Map<string, Held>();

  constructor(
    bucket: Pick<WatchedBucket, 'onChange'>,
    private readonly clock: () => number = () => performance.now(),
  ) {
    bucket.onChange((key, entry) => {
      if (entry === undefined) this.held.delete(key);
      // a watch that is opened anew tells everything once more: that is no sign of life
      else if (this.held.get(key)?.revision !== entry.revision) this.held.set(key, { holder: holderIn(entry.value), revision: entry.revision, since: this.clock() });
    });
  }

  of(app: string, shards: readonly number[]): { shard: number; owner: string }[] {
    const alive = this.clock() - STANDSTILL_MS;
    return shards.flatMap((shard) => {
      const held = this.held.get(`${app}.${shard}`);
      return held !== undefined && held.holder !== '' && held.since >= alive ? [{ shard, owner: held.holder }] : [];
    });
  }
}

const holderIn = (value: string): string => {
  try {
    const { holder } = JSON.parse(value) as { holder?: unknown };
    return typeof holder === 'string' ? holder : '';
  } catch {
    return '';
  }
};
