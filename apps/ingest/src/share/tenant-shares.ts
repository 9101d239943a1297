import { subject, type IngestLane } from '@spillway/topology';
import { tenantQuota } from '../problems.ts';
import type { IngestListing } from './ingest-listing.ts';
import type { LaneTally } from './lane-tally.ts';
import { TenantTally } from './tenant-tally.ts';

export type SharesOptions = {
  /** Of INGEST's bytes, 0 to 1, over all lanes; of a tenant that has no share of its own. */
  defaultShare: number;
  shareOf: (tenant: string) => number | undefined;
  /** What one tenant may hold of this process's memory: events handed over and not confirmed yet. */
  inFlightMax: number;
  inFlightBytesMax: number;
  /** Told of a subject that no batch may cross the cap of. */
  keepApart: (subject: string, forMs: number) => void;
  /** Told of each refusal for what waits. */
  onRefused?: (tenant: string) => void;
};

/** Of the cap in messages: from here on a lane of a tenant is published in singles. */
const NEAR = 0.9;
/** And beside other ingests at the latest when so few are left: what they may send between two counts, each of them some thousands a second. */
const NEAR_MESSAGES = 5_000;
/** Several listings long: who has left the cap behind is told to batch again soon after. */
const APART_FOR_MS = 2_000;
/** What a stored event weighs beside its body: headers, subject, the server's record. Measured on nats-server 2.15.1: 282 B for an event without `id` and `time`. */
export const BESIDE_BODY_BYTES = 300;

/**
 * Each tenant's share of INGEST: so many events a lane, of which the broker refuses by itself only those that are messages of their own, and so many bytes over all lanes,
 * which it cannot: 256 events of 256 KiB, a quarter of a share of 1,000, fill a stream of 64 MiB for everybody. So events are counted and weighed here, before they are sent.
 */
export class TenantShares {
  private readonly tenants = new Map<string, TenantTally>();
  private maxBytes = Number.POSITIVE_INFINITY;
  private maxMessages = Number.POSITIVE_INFINITY;
  private hasOthers = false;
  private counts = 0;
  private mean = 0;

  constructor(private readonly options: SharesOptions) {}

  /**
   * One event is about to be sent. Whoever called says later what became of it, by the tally's `stored` or `notStored`, with the same bytes.
   * @throws ProblemError 429 tenant_quota
   */
  take(tenant: string, lane: IngestLane, bytes: number): LaneTally {
    const tally = this.tallyOf(tenant);
    this.assertBytes(tenant, tally, bytes);
    this.assertMemory(tenant, tally, bytes);
    const of = tally.lanes[lane];
    if (of.events + 1 > this.maxMessages) this.refuse(tenant, `has about ${Math.round(of.events)} events waiting in lane ${lane}, and its share is ${this.maxMessages}`, 'messages_waiting');
    if (this.isNear(of, of.messages + 1)) this.options.keepApart(subject.ingest(lane, tenant), APART_FOR_MS);
    of.send(bytes);
    return of;
  }

  /** Before a body is read: whether there is any point in it. @throws ProblemError 429 tenant_quota */
  assertRoom(tenant: string, bytes: number): void {
    const tally = this.tenants.get(tenant);
    if (tally) this.assertBytes(tenant, tally, bytes);
  }

  /** Tenants that have used nine tenths of their share, of bytes or of messages in a lane. */
  get atTheirShare(): number {
    let count = 0;
    for (const [tenant, tally] of this.tenants) if (this.useOf(tenant, tally) >= NEAR) count += 1;
    return count;
  }

  /** The largest part that a tenant uses of its share, of messages in a lane or of bytes: 0 to 1. */
  get largestUse(): number {
    let largest = 0;
    for (const [tenant, tally] of this.tenants) largest = Math.max(largest, this.useOf(tenant, tally));
    return largest;
  }

  /** How often the broker has said what waits. */
  get timesCounted(): number {
    return this.counts;
  }

  /** Bytes of what lay in INGEST when it was counted, of one event. */
  get meanBytes(): number {
    return this.mean;
  }

  /** The broker is about to be asked. */
  asking(): void {
    for (const tally of this.tenants.values()) tally.asking();
  }

  /** What it answered. */
  count({ waiting, meanBytes, maxBytes, maxMessagesPerSubject }: IngestListing): void {
    this.maxBytes = maxBytes;
    this.maxMessages = maxMessagesPerSubject;
    this.mean = meanBytes;
    const counted = new Set<LaneTally>();
    for (const { tenant, lane, messages } of waiting) {
      const of = this.tallyOf(tenant).lanes[lane];
      const hasOthers = of.count(messages, meanBytes);
      // what was there before this process began tells nothing of who else sends now
      if (hasOthers && this.counts > 0) this.hasOthers = true;
      counted.add(of);
    }
    for (const [tenant, tally] of this.tenants) {
      for (const of of Object.values(tally.lanes)) if (!counted.has(of)) of.count(0, 0);
      if (tally.isIdle) this.tenants.delete(tenant);
    }
    this.counts += 1;
  }

  /** What this process sends is counted to the last message; of others it knows what they had sent up to half a second ago. */
  private isNear({ othersGrowth }: LaneTally, messages: number): boolean {
    if (messages >= NEAR * this.maxMessages) return true;
    return this.hasOthers && messages + Math.max(NEAR_MESSAGES, 2 * othersGrowth) >= this.maxMessages;
  }

  private tallyOf(tenant: string): TenantTally {
    let tally = this.tenants.get(tenant);
    if (tally === undefined) {
      tally = new TenantTally();
      this.tenants.set(tenant, tally);
    }
    return tally;
  }

  private refuse(tenant: string, why: string, quota: Parameters<typeof tenantQuota>[1]): never {
    this.options.onRefused?.(tenant);
    throw tenantQuota(`tenant ${tenant} ${why}`, quota);
  }

  /** 1: all of its share of messages in a lane, or of bytes. */
  private useOf(tenant: string, { bytes, lanes: { fresh, bulk, ordered } }: TenantTally): number {
    return Math.max(bytes / this.bytesOf(tenant), Math.max(fresh.events, bulk.events, ordered.events) / this.maxMessages);
  }

  private bytesOf(tenant: string): number {
    return (this.options.shareOf(tenant) ?? this.options.defaultShare) * this.maxBytes;
  }

  private assertBytes(tenant: string, tally: TenantTally, bytes: number): void {
    const share = this.bytesOf(tenant);
    if (tally.bytes + bytes <= share) return;
    this.refuse(tenant, `has about ${Math.round(tally.bytes)} bytes of events waiting, and its share is ${Math.floor(share)}`, 'bytes_waiting');
  }

  private assertMemory(tenant: string, tally: TenantTally, bytes: number): void {
    const { inFlightMax, inFlightBytesMax } = this.options;
    if (tally.inFlight + 1 > inFlightMax) throw tenantQuota(`tenant ${tenant} has ${tally.inFlight} events on their way to disk, as many as one tenant may`, 'events_in_flight');
    if (tally.inFlightBytes + bytes > inFlightBytesMax) throw tenantQuota(`tenant ${tenant} has ${tally.inFlightBytes} bytes on their way to disk, as many as one tenant may`, 'bytes_in_flight');
  }
}
