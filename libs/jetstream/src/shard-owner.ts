import { allShards } from '@spillway/topology';
import type { Logger } from '@spillway/telemetry';
import { assign } from './assign.ts';
import { backOff } from './backoff.ts';
import type { Broker } from './broker.ts';
import type { HeldLease, Lease } from './lease.ts';
import { Leases } from './leases.ts';
import { ShardLoop, type LoopEnd } from './shard-loop.ts';
import type { ShardWork } from './shard-work.ts';
import { WatchedBucket, type BucketState } from './watched-bucket.ts';

export type ShardOwnerOptions = {
  broker: Broker;
  app: string;
  /** Names this process among the app's replicas; letters, digits, `-` and `_`. */
  replica: string;
  log: Logger;
  /** Begins the work of a shard that was just won. Everything it does asks `lease.owned()` right before. */
  open: (shard: number, lease: Lease) => ShardWork;
  tickEveryMs: number;
  shards?: readonly number[];
  /** The lease bucket's creation time, as provisioning noted it. */
  pin?: string | undefined;
};

export type OwnedShard = { shard: number; /** ISO time, for people. */ since: string; givingUp: boolean };
export type ShardOwnerState = BucketState & { owned: OwnedShard[]; replicas: number };

/** Looks around so often: an expired lease is taken at most so much later. Memory only. */
const ROUND_EVERY_MS = 200;
const ANNOUNCE_EVERY_MS = 1_000;
/** A pause longer than this was a frozen process, and what it believes to have seen stand still may have moved. */
const FROZEN_MS = 2_000;
/** The longest attempt (15 s) and its settling. */
const HAND_OVER_BUDGET_MS = 20_000;
const SIT_OUT_FIRST_MS = 5_000;
const SIT_OUT_MAX_MS = 300_000;
/** Work that went well for so long clears what it did before. */
const FORGIVEN_AFTER_MS = 60_000;

type Owned = { loop: ShardLoop; since: string; ended: Promise<void> };
type SitOut = { until: number; lastMs: number };

/** Wins shards for this process, works each with a loop of its own, and hands over what exceeds its fair share. */
export class ShardOwner {
  private readonly owned = new Map<number, Owned>();
  private readonly taking = new Map<number, Promise<void>>();
  private readonly sittingOut = new Map<number, SitOut>();
  private bucket: WatchedBucket | undefined;
  private leases: Leases | undefined;
  private rounds: NodeJS.Timeout | undefined;
  private why: string | undefined = 'the lease bucket is not open yet';
  private wasReady = false;
  private lastRound = performance.now();
  /** The last round in which the leases could be seen: from then on nothing is known until they can be again. */
  private lastSight = performance.now();
  private lastAnnounced = Number.NEGATIVE_INFINITY;
  private leaving: Promise<void> | undefined;
  private started = false;
  private replicas = 1;

  constructor(private readonly options: ShardOwnerOptions) {
    if (!/^[\w-]+$/.test(options.replica)) throw new TypeError(`a replica’s name may hold letters, digits, - and _, not ${JSON.stringify(options.replica)}`);
  }

  /** Returns at once; shards are won as the broker lets us. Safe to call twice. */
  start(): void {
    if (this.started) return;
    this.started = true;
    void this.open();
  }

  /** The shards that this process works now, those that it is handing over included. */
  get shards(): readonly number[] {
    return [...this.owned.keys()].toSorted((a, b) => a - b);
  }

  /** How many they are. Cheap. */
  get shardsHeld(): number {
    return this.owned.size;
  }

  get state(): ShardOwnerState {
    const bucket = this.bucket?.state ?? { ready: false, why: this.why };
    const owned = this.shards.map((shard) => {
      const { since, loop } = this.owned.get(shard) as Owned;
      return { shard, since, givingUp: loop.givingUp };
    });
    return { ...bucket, owned, replicas: this.replicas };
  }

  /** Wakes the loop of a shard at once instead of at its next beat. Cheap. */
  poke(shard: number): void {
    this.owned.get(shard)?.loop.poke();
  }

  /** Takes no more shards, drains those it has, gives them back, and leaves. Safe to call twice. */
  drain(budgetMs = 10_000): Promise<void> {
    this.leaving ??= this.leave(budgetMs);
    return this.leaving;
  }

  private async leave(budgetMs: number): Promise<void> {
    clearInterval(this.rounds);
    // sent first, so that the others already count without us when the first shard comes back
    const left = this.leases?.ready === true ? this.leases.takeLeave() : undefined;
    for (const { loop } of this.owned.values()) loop.giveUp(budgetMs);
    // what is won while we leave is given back, and what had begun by then is drained: neither may find the broker closed
    while (this.owned.size > 0 || this.taking.size > 0) await Promise.all([...this.taking.values(), ...[...this.owned.values()].map(({ ended }) => ended)]);
    await left;
    this.bucket?.close();
  }

  private async open(): Promise<void> {
    const { broker, app, replica, log, pin } = this.options;
    for (let failures = 0; this.leaving === undefined; failures += 1) {
      try {
        this.bucket = await WatchedBucket.open(broker, 'webhook_leases', { log, pin });
        break;
      } catch (error) {
        this.why = (error as Error).message;
        log.error({ err: error }, 'cannot open the lease bucket');
        await backOff(failures);
      }
    }
    if (!this.bucket || this.leaving) return this.bucket?.close();
    // asks again every few ms instead of each second: a first delivery should not wait for that
    await this.bucket.whenReady(5_000).catch((error: unknown) => this.leaving ?? log.warn({ err: error }, 'the lease bucket is open, and not to be believed yet'));
    if (this.leaving) return this.bucket.close();
    this.leases = new Leases(this.bucket, app, replica, log);
    this.rounds = setInterval(() => this.round(this.leases as Leases), ROUND_EVERY_MS);
    this.round(this.leases);
    return undefined;
  }

  private round(leases: Leases): void {
    const nowMs = performance.now();
    const frozen = nowMs - this.lastRound > FROZEN_MS;
    this.lastRound = nowMs;
    if (frozen || (leases.ready && !this.wasReady)) leases.startAnew(nowMs, this.lastSight);
    this.wasReady = leases.ready;
    if (!leases.ready) return;
    this.lastSight = nowMs;
    const takes = this.takes(nowMs);
    this.announce(leases, takes, nowMs);
    this.spread(leases, takes, nowMs);
  }

  private announce(leases: Leases, takes: boolean, nowMs: number): void {
    if (nowMs - this.lastAnnounced < ANNOUNCE_EVERY_MS) return;
    this.lastAnnounced = nowMs;
    void leases.announce(takes);
    void leases.removeLitter(nowMs).catch((error: unknown) => this.options.log.warn({ err: error }, 'keys of replicas long gone were not removed'));
  }

  private spread(leases: Leases, takes: boolean, nowMs: number): void {
    const shards = leases.view(this.options.shards ?? allShards, (shard) => this.owned.has(shard) || this.taking.has(shard), nowMs);
    const members = leases.members(takes, nowMs);
    this.replicas = members.length;
    const { take, giveUp } = assign(leases.me, shards, members);
    for (const shard of giveUp) this.owned.get(shard)?.loop.giveUp(HAND_OVER_BUDGET_MS);
    for (const shard of take) this.taking.set(shard, this.take(leases, shard));
  }

  private async take(leases: Leases, shard: number): Promise<void> {
    try {
      const lease = await leases.take(shard);
      if (lease && this.leaving) await leases.giveBack(lease);
      else if (lease) await this.begin(leases, shard, lease);
    } catch (error) {
      this.options.log.warn({ err: error, shard }, 'a shard was not taken');
    } finally {
      this.taking.delete(shard);
    }
  }

  private async begin(leases: Leases, shard: number, lease: HeldLease): Promise<void> {
    const { log, tickEveryMs } = this.options;
    const sinceMs = performance.now();
    const work = this.openWork(shard, lease);
    if (!work) {
      this.sitOut(shard, sinceMs);
      return leases.giveBack(lease);
    }
    log.info({ shard, replica: leases.me }, 'shard won');
    const loop = new ShardLoop({ lease, work, leases, tickEveryMs, log });
    const ended = Promise.resolve().then(async () => this.end(shard, await loop.run(), sinceMs));
    this.owned.set(shard, { loop, since: new Date().toISOString(), ended });
    return undefined;
  }

  private openWork(shard: number, lease: Lease): ShardWork | undefined {
    try {
      return this.options.open(shard, lease);
    } catch (error) {
      this.options.log.error({ err: error, shard }, 'the work of a shard cannot begin');
      return undefined;
    }
  }

  private end(shard: number, end: LoopEnd, sinceMs: number): void {
    this.owned.delete(shard);
    if (end === 'given back') this.options.log.info({ shard }, 'shard given back');
    else this.options.log.warn({ shard, end }, 'shard lost');
    if (end === 'failed') this.sitOut(shard, sinceMs);
  }

  /** Work that failed here may go well elsewhere: the others come first, each time for twice as long. */
  private sitOut(shard: number, sinceMs: number): void {
    const nowMs = performance.now();
    const before = nowMs - sinceMs < FORGIVEN_AFTER_MS ? (this.sittingOut.get(shard)?.lastMs ?? 0) : 0;
    const lastMs = Math.min(SIT_OUT_MAX_MS, Math.max(SIT_OUT_FIRST_MS, before * 2));
    this.sittingOut.set(shard, { until: nowMs + lastMs, lastMs });
  }

  private takes(nowMs: number): boolean {
    for (const { until } of this.sittingOut.values()) if (until > nowMs) return false;
    return true;
  }
}
