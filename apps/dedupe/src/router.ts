import { UnreadableMessage, type EventMeta, type Fact } from '@spillway/contracts';
import type { EndpointRegistry } from '@spillway/endpoints';
import type { Publisher, PubAck, WaitingMessage } from '@spillway/jetstream';
import { bodyChecksum } from './checksum.ts';
import type { Duplicates } from './duplicates.ts';
import { eventAccepted, eventUnrouted, fanOut, type Message } from './fan-out.ts';
import type { RecentIds } from './recent-ids.ts';
import { storeAll } from './store-all.ts';

export type Routing = { message: WaitingMessage; meta: EventMeta };

export type Counted = { routed: number; unrouted: number; duplicates: number; secondNet: number; deliveries: number };

/** What the registry cannot answer yet: the event stays where it is and comes again. */
export class NotInSight extends Error {
  readonly code = 'SPILLWAY_ENDPOINTS_NOT_IN_SIGHT';
}

export type RouterOptions = {
  registry: Pick<EndpointRegistry, 'matching' | 'confirmNone' | 'get'>;
  delivery: Publisher;
  record: (tenant: string, fact: Fact) => Promise<void>;
  recent: RecentIds;
  duplicates: Duplicates;
  now: () => Date;
};

/** From an accepted event to the deliveries it owes: dropped as a duplicate, without an endpoint, or fanned out. Whatever it is, a fact says so before the event is removed. */
export class Router {
  readonly counted: Counted = { routed: 0, unrouted: 0, duplicates: 0, secondNet: 0, deliveries: 0 };

  constructor(private readonly options: RouterOptions) {}

  /** Resolves when the event may be removed. */
  async route({ message, meta }: Routing): Promise<void> {
    if (message.data.length === 0) throw new UnreadableMessage('an event without a body');
    const { recent } = this.options;
    const checksum = bodyChecksum(meta.type, message.data);
    for (;;) {
      const verdict = recent.claim(`${meta.job ?? ''} ${meta.tenant} ${meta.eventId}`, message.sequence, checksum, performance.now());
      if (verdict.kind === 'duplicate') {
        // only what is stored can stand for this one; if the other fails, this one goes
        if (!(await verdict.of.stored)) continue;
        return this.drop({ message, meta }, verdict.of.checksum !== checksum);
      }
      let stored = false;
      try {
        await this.deliver({ message, meta });
        stored = true;
        return;
      } finally {
        verdict.settle(stored);
      }
    }
  }

  private async drop({ message, meta }: Routing, differs: boolean): Promise<void> {
    this.counted.duplicates += 1;
    await this.options.duplicates.drop({ tenant: meta.tenant, event: meta.eventId, ingest: message.sequence, differs });
  }

  private async deliver(routing: Routing): Promise<void> {
    const { message, meta } = routing;
    const { endpoints, skipped } = await this.resolve(meta);
    const said = { meta, ingest: message.sequence, body: message.data, now: this.options.now(), skipped };
    if (endpoints.length === 0) {
      this.counted.unrouted += 1;
      return this.options.record(meta.tenant, eventUnrouted(said));
    }
    const { deliveries, messages } = fanOut(meta, endpoints, message.data);
    const acks = await this.store(messages);
    // all known already, and nobody was here before us with this very message: the second net caught a duplicate that we had forgotten, or never saw
    if (message.deliveries === 1 && acks.every(({ duplicate }) => duplicate)) {
      this.counted.secondNet += 1;
      return this.drop(routing, false);
    }
    this.counted.routed += 1;
    this.counted.deliveries += deliveries.length;
    return this.options.record(meta.tenant, eventAccepted(said, deliveries));
  }

  /** @throws NotInSight when the registry cannot say for certain that nobody wants it */
  private async resolve(meta: EventMeta): Promise<{ endpoints: string[]; skipped: string[] }> {
    const { registry } = this.options;
    if (meta.endpointId !== undefined) return { endpoints: [meta.endpointId], skipped: [] };
    const { deliver, skipped, absent } = registry.matching(meta.tenant, meta.type);
    // a record that is absent, not deleted, is an alarm: its delivery is made, and waits in PARKED until the record is back
    const endpoints = [...deliver.map(({ id }) => id), ...absent];
    if (endpoints.length === 0 && (await registry.confirmNone(meta.tenant, meta.type)) !== 'none') {
      throw new NotInSight(`the endpoints of tenant ${meta.tenant} are not in sight`);
    }
    return { endpoints, skipped: skipped.map(({ id }) => id) };
  }

  private store(messages: readonly Message[]): Promise<PubAck[]> {
    return storeAll(this.options.delivery, messages);
  }
}

