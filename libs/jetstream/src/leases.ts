import { randomBytes } from 'node:crypto';
import type { Logger } from '@spillway/telemetry';
import type { Member, ShardView } from './assign.ts';
import { RevisionConflict } from './errors.ts';
import { HeldLease, STANDSTILL_MS } from './lease.ts';
import type { Entry, WatchedBucket } from './watched-bucket.ts';

export type { Lease } from './lease.ts';

/** What a shard's key holds. `at` is for people: nothing is decided by a wall clock. */
type Holding = { holder: string; at?: string; /** How often in a row it was lost, not given back. */ losses?: number };
/** What a replica's key holds: its counter moves, or it is gone. */
type Announcement = { id: string; count: number; takes: boolean };

type Seen<T> = {
  value: T;
  key: string;
  revision: number;
  /** Monotonic: since when this process sees this revision. */
  since: number;
};

/** An announcement that stood still for so long is litter of a process that died; its key is removed. */
const LITTER_MS = 60_000;

/**
 * Who works which shard of an app, and which replicas there are: a key each in `webhook_leases`. Everything goes by revisions and by one's own monotonic
 * clock: no TTL (a renewed TTL key never expires, tried) and no wall clock.
 */
export class Leases {
  /** This process, this once: a restarted one has another, so it can never mistake its predecessor's leases for its own. */
  readonly me: string;
  private readonly shardsSeen = new Map<number, Seen<Holding>>();
  private readonly replicasSeen = new Map<string, Seen<Announcement>>();
  private count = 0;

  constructor(
    private readonly bucket: WatchedBucket,
    private readonly app: string,
    private readonly replica: string,
    private readonly log: Logger,
  ) {
    this.me = `${replica}-${randomBytes(3).toString('hex')}`;
    bucket.onChange((key, entry) => this.see(key, entry));
  }

  get ready(): boolean {
    return this.bucket.state.ready;
  }

  /**
   * What was seen before a pause says nothing about how long it stood still: every lease gets a fresh start, and every replica that was there when the pause
   * began. Who was gone before stays gone: counted in again, it would be given a share that nobody works.
   */
  startAnew(nowMs = performance.now(), pausedAtMs = nowMs): void {
    for (const seen of this.shardsSeen.values()) seen.since = nowMs;
    for (const seen of this.replicasSeen.values()) if (pausedAtMs - seen.since < STANDSTILL_MS) seen.since = nowMs;
  }

  /** @param holding the shards that this process works at the moment */
  view(shards: readonly number[], holding: (shard: number) => boolean, nowMs = performance.now()): ShardView[] {
    return shards.map((shard) => {
      if (holding(shard)) return { shard, holder: this.me, takeable: false };
      const seen = this.shardsSeen.get(shard);
      const holder = seen?.value.holder ?? '';
      // our own, and nobody here works it: it lapsed, and nobody has taken it since
      const takeable = holder === '' || holder === this.me || nowMs - (seen?.since ?? nowMs) >= STANDSTILL_MS;
      return { shard, holder, takeable };
    });
  }

  /** Everybody whose announcement moved lately, and this process itself. */
  members(takes: boolean, nowMs = performance.now()): Member[] {
    const members = new Map<string, Member>([[this.me, { id: this.me, takes }]]);
    for (const { value, since } of this.replicasSeen.values()) {
      if (value.id !== this.me && nowMs - since < STANDSTILL_MS) members.set(value.id, { id: value.id, takes: value.takes });
    }
    return [...members.values()];
  }

  /** @returns the lease, or nothing when somebody was faster. @throws InfrastructureError */
  async take(shard: number): Promise<HeldLease | undefined> {
    const seen = this.shardsSeen.get(shard);
    const sentAtMs = performance.now();
    try {
      const losses = seen ? this.lossesOf(seen.value) : 0;
      const value = this.holding(losses);
      const revision = seen ? await this.bucket.update(this.keyOf(shard), value, seen.revision) : await this.bucket.create(this.keyOf(shard), value);
      return new HeldLease(shard, revision, sentAtMs, undefined, losses);
    } catch (error) {
      if (error instanceof RevisionConflict) return undefined;
      throw error;
    }
  }

  /** Never throws: a lease that could not be renewed lapses by itself. */
  async renew(lease: HeldLease): Promise<void> {
    if (!this.ready || !lease.owned()) return lease.renewAgainSoon();
    const sentAtMs = performance.now();
    try {
      lease.renewed(sentAtMs, await this.bucket.update(this.keyOf(lease.shard), this.holding(lease.unforgivenLosses), lease.revision));
    } catch (error) {
      lease.renewAgainSoon();
      if (error instanceof RevisionConflict) await this.learnWhoIsFaster(lease);
      else this.log.warn({ err: error, shard: lease.shard }, 'a lease was not renewed');
    }
  }

  /** With an empty holder: whoever is entitled takes it at once. Never throws: else it lapses. */
  async giveBack(lease: HeldLease): Promise<void> {
    const owned = lease.owned();
    lease.end();
    if (!owned) return;
    await this.bucket.update(this.keyOf(lease.shard), JSON.stringify({ holder: '', ...lossesIn(lease.unforgivenLosses) } satisfies Holding), lease.revision).catch((error: unknown) => {
      this.log.warn({ err: error, shard: lease.shard }, 'a lease was not given back, and lapses');
    });
  }

  /** Said each second, so that the others count this process in. Never throws. */
  async announce(takes: boolean): Promise<void> {
    if (!this.bucket.state.ready) return;
    this.count += 1;
    const value = JSON.stringify({ id: this.me, count: this.count, takes } satisfies Announcement);
    await this.bucket.put(this.replicaKey, value).catch((error: unknown) => this.log.warn({ err: error }, 'this replica could not announce itself'));
  }

  /** Said once by who leaves: its share is spread at once, not after a standstill. Never throws. */
  async takeLeave(): Promise<void> {
    await this.bucket.remove(this.replicaKey).catch((error: unknown) => this.log.warn({ err: error }, 'this replica could not take its leave'));
  }

  /** Keys of replicas that are long gone; the process that comes first in the order of ids does it for all. */
  async removeLitter(nowMs = performance.now()): Promise<void> {
    if (this.members(true, nowMs).some(({ id }) => id < this.me)) return;
    const litter = [...this.replicasSeen.values()].filter(({ value, since }) => value.id !== this.me && nowMs - since >= LITTER_MS);
    for (const seen of litter) await this.removeOne(seen);
  }

  /** Forgotten at once, so that it is not removed twice at a time, and remembered again when it could not be removed. */
  private async removeOne(seen: Seen<Announcement>): Promise<void> {
    const { key, value } = seen;
    this.replicasSeen.delete(value.id);
    if ([...this.replicasSeen.values()].some((other) => other.key === key)) return;
    try {
      await this.bucket.remove(key);
    } catch (error) {
      remember(this.replicasSeen, value.id, seen);
      throw error;
    }
  }

  private get replicaKey(): string {
    return `replica.${this.app}.${this.replica}`;
  }

  private keyOf(shard: number): string {
    return `${this.app}.${shard}`;
  }

  private holding(losses: number): string {
    return JSON.stringify({ holder: this.me, at: new Date().toISOString(), ...lossesIn(losses) } satisfies Holding);
  }

  /** Given back is not lost; and who lost it to nobody, and lives, knows that no message killed him. */
  private lossesOf({ holder, losses = 0 }: Holding): number {
    return holder === '' || holder === this.me ? losses : losses + 1;
  }

  /** Either somebody else has it now, or an earlier renewal of ours was stored and its answer was lost. */
  private async learnWhoIsFaster(lease: HeldLease): Promise<void> {
    try {
      const entry = await this.bucket.read(this.keyOf(lease.shard));
      const holding = entry && parse<Holding>(entry.value, { holder: '' });
      if (entry && holding?.holder === this.me) lease.revision = entry.revision;
      else lease.end();
    } catch (error) {
      this.log.warn({ err: error, shard: lease.shard }, 'cannot tell who holds a lease');
    }
  }

  private see(key: string, entry: Entry | undefined): void {
    if (key.startsWith(`${this.app}.`)) this.seeShard(key, entry);
    else if (key.startsWith(`replica.${this.app}.`)) this.seeReplica(key, entry);
  }

  private seeShard(key: string, entry: Entry | undefined): void {
    const shard = Number(key.slice(this.app.length + 1));
    if (entry) remember(this.shardsSeen, shard, { value: parse<Holding>(entry.value, { holder: '' }), key, revision: entry.revision, since: performance.now() });
    else this.shardsSeen.delete(shard);
  }

  /** By id, not by key: two processes that were given the same name are still two. */
  private seeReplica(key: string, entry: Entry | undefined): void {
    if (!entry) {
      for (const [id, seen] of this.replicasSeen) if (seen.key === key) this.replicasSeen.delete(id);
      return;
    }
    const value = parse<Announcement>(entry.value, { id: key, count: 0, takes: false });
    remember(this.replicasSeen, value.id, { value, key, revision: entry.revision, since: performance.now() });
  }
}

const lossesIn = (losses: number): { losses?: number } => (losses === 0 ? {} : { losses });

/** A watch that is opened anew tells everything once more: that is no sign of life. */
const remember = <K, V>(all: Map<K, Seen<V>>, key: K, seen: Seen<V>): void => {
  const known = all.get(key);
  if (known === undefined || known.revision < seen.revision) all.set(key, seen);
};

/** Nobody but us writes there; what does not parse is taken for nobody's. */
const parse = <T>(text: string, otherwise: T): T => {
  try {
    return JSON.parse(text) as T;
  } catch {
    return otherwise;
  }
};
