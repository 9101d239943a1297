import { acceptanceNumber, readEvent, UnreadableMessage, type EventMeta, type Fact } from '@spillway/contracts';
import type { EndpointRegistry } from '@spillway/endpoints';
import type { Duplicates, Places, Publisher, PubAck, Screened, WaitingMessage } from '@spillway/jetstream';
import type { DeliveryLane } from '@spillway/topology';
import type { Admission, Admitted, Duplicate } from './admission.ts';
import { eventAccepted, eventUnrouted, fanOut, type Message } from './fan-out.ts';
import type { StormWatch } from './storm/storm-watch.ts';
import { storeAll, type HeldUp } from './store-all.ts';
import type { Parked, StraightToParked, ToPark } from './straight-to-parked.ts';

export type Routing = { message: WaitingMessage; meta: EventMeta };

/** `duplicates` are all that were dropped; `byContent` and `secondNet` are parts of them. */
export type Counted = { routed: number; unrouted: number; duplicates: number; byContent: number; secondNet: number; deliveries: number };

/** Beside its body a delivery takes some 500 bytes on disk: ids, type, times, endpoint, and what the broker adds. */
const HEADER_BYTES = 512;

/** Since the last repetition: where there are none, a look at each event for nothing costs 2 µs. */
const SCREENED_FOR_MS = 1_000;

/** What the registry cannot answer yet: the event stays where it is and comes again. */
export class NotInSight extends Error {
  readonly code = 'SPILLWAY_ENDPOINTS_NOT_IN_SIGHT';
}

export type RouterOptions = {
  /** Of DELIVERY: where it fans out to. */
  lane: DeliveryLane;
  registry: Pick<EndpointRegistry, 'matching' | 'confirmNone' | 'get'>;
  delivery: Publisher;
  heldUp: HeldUp;
  straight: Pick<StraightToParked, 'store'>;
  record: (tenant: string, fact: Fact) => Promise<void>;
  admission: Admission;
  duplicates: Duplicates;
  storms?: Pick<StormWatch, 'observe'>;
  now: () => Date;
  /** Resolves when so many bytes may be written to the lane; absent: at any time. */
  mayWrite?: (bytes: number) => Promise<() => void>;
  /** How many events are being written at once; absent: as many as are in hand. */
  places?: Pick<Places, 'within'>;
};

/** From an accepted event to the deliveries it owes: dropped as a duplicate, without an endpoint, or fanned out. Whatever it is, a fact says so before the event is removed. */
export class Router {
  readonly counted: Counted = { routed: 0, unrouted: 0, duplicates: 0, byContent: 0, secondNet: 0, deliveries: 0 };

  /** Monotonic. */
  private lastDropMs = Number.NEGATIVE_INFINITY;

  constructor(private readonly options: RouterOptions) {}

  /** Resolves when the event may be removed. */
  async route(routing: Routing): Promise<void> {
    if (routing.message.data.length === 0) throw new UnreadableMessage('an event without a body');
    const admission = await this.options.admission.admit(routing);
    if (admission.kind === 'duplicate') return this.drop(routing, admission);
    this.observe(routing, 'new');
    let stored: boolean | undefined;
    try {
      stored = await this.deliver(routing, admission);
    } finally {
      await admission.settle(stored === undefined ? 'failed' : stored ? 'stored' : 'second_net');
    }
    if (!stored) await this.drop(routing, { by: 'id', of: routing.meta.eventId, differs: false });
  }

  /** Takes the known repetitions out of what came on one page, without a promise for each: a flood of them is what pages are full of. */
  screen(messages: readonly WaitingMessage[]): Screened | undefined {
    if (performance.now() - this.lastDropMs > SCREENED_FOR_MS) return undefined;
    const left = new Set<WaitingMessage>();
    const rounds = new Set<Promise<void>>();
    for (const message of messages) {
      const routing = readable(message);
      const repeat = routing && this.options.admission.knownRepeat(routing);
      if (repeat) rounds.add(this.drop(routing, repeat));
      else left.add(message);
    }
    return { left, done: Promise.all(rounds) };
  }

  /** It goes to the pipeline's dead letters: whoever repeats it must not be dropped for it. */
  async giveUp(routing: Routing): Promise<void> {
    if (routing.message.data.length > 0) await this.options.admission.giveUp(routing);
  }

  private drop({ message, meta }: Routing, { by, of, differs }: Omit<Duplicate, 'kind'>): Promise<void> {
    message.passOn?.();
    this.lastDropMs = performance.now();
    this.counted.duplicates += 1;
    if (by === 'content') this.counted.byContent += 1;
    this.observe({ message, meta }, by);
    return this.options.duplicates.drop({ tenant: meta.tenant, original: of, by, event: meta.eventId, ingest: acceptanceNumber(message), differs });
  }

  private observe({ message: { data: body }, meta: { tenant, type, eventId: event, job } }: Routing, as: 'new' | 'id' | 'content'): void {
    if (job === undefined) this.options.storms?.observe({ tenant, type, event, body, as });
  }

  /** @returns false when the broker's own window knew all of it: a duplicate that we had forgotten, or never saw */
  private async deliver({ message, meta }: Routing, { repeated, again }: Admitted): Promise<boolean> {
    const { endpoints, skipped } = await this.resolve(meta);
    const said = { meta, ingest: acceptanceNumber(message), body: message.data, now: this.options.now(), skipped };
    if (endpoints.length === 0) {
      message.passOn?.();
      this.counted.unrouted += 1;
      await this.options.record(meta.tenant, eventUnrouted(said));
      return true;
    }
    const { deliveries, messages, toPark } = fanOut(this.options.lane, meta, endpoints, message.data, { isOrdered: (id) => this.isOrdered(id), again });
    // most tenants have no ordered endpoint: nothing to await for them
    const parked = toPark.length === 0 ? [] : await this.park(toPark);
    const inTurn = await this.store(messages);
    message.passOn?.();
    const acks = [...inTurn, ...parked.map(({ ack }) => ack)];
    // unless it was us, with this very message, before a crash
    if (message.deliveries === 1 && !repeated && acks.every(({ duplicate }) => duplicate)) {
      this.counted.secondNet += 1;
      return false;
    }
    this.counted.routed += 1;
    this.counted.deliveries += deliveries.length;
    const facts = [eventAccepted(said, deliveries), ...parked.map(({ fact }) => fact)];
    await Promise.all(facts.map((fact) => this.options.record(meta.tenant, fact)));
    return true;
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

  private isOrdered(endpointId: string): boolean {
    return this.options.registry.get(endpointId)?.ordered === true;
  }

  private park(deliveries: readonly ToPark[]): Promise<Parked[]> {
    return Promise.all(deliveries.map((delivery) => this.options.straight.store(delivery)));
  }

  private async store(messages: readonly Message[]): Promise<PubAck[]> {
    if (messages.length === 0) return [];
    const { places } = this.options;
    return places ? places.within(() => this.write(messages)) : this.write(messages);
  }

  private async write(messages: readonly Message[]): Promise<PubAck[]> {
    const ended = await this.options.mayWrite?.(messages.reduce((sum, { data }) => sum + data.length + HEADER_BYTES, 0));
    try {
      return await storeAll(this.options.delivery, messages, this.options.heldUp);
    } finally {
      ended?.();
    }
  }
}

/** What it cannot read its handler will say. */
const readable = (message: WaitingMessage): Routing | undefined => {
  if (message.data.length === 0) return undefined;
  try {
    return { message, meta: readEvent(message.headers) };
  } catch {
    return undefined;
  }
};
