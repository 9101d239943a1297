import type { OnModuleDestroy } from '@nestjs/common';
import type { EndpointRegistry } from '@spillway/endpoints';
import { BULK_GROUP_BYTES, BULK_LINGER, Duplicates, isPassing, Pager, Places, Publisher, type Broker, type PublisherOptions, type Room, type Screened, type WaitingMessage } from '@spillway/jetstream';
import type { Logger } from '@spillway/telemetry';
import { subject, type DeliveryLane, type IngestLane, type QueueName } from '@spillway/topology';
import type { Admission } from './admission.ts';
import { DeliveryQuota, type DeliveryBytes, type QuotaState } from './delivery-quota.ts';
import { Router, type RouterOptions } from './router.ts';
import type { HeldUp } from './store-all.ts';
import type { StormWatch } from './storm/storm-watch.ts';
import { StraightToParked, type Overflow } from './straight-to-parked.ts';

export type LanesOptions = { app: string; broker: Broker; registry: EndpointRegistry; admission: Admission; storms: StormWatch; log: Logger; now: () => Date };

type LaneBounds = Pick<RouterOptions, 'mayWrite' | 'places'> & Pick<PublisherOptions, 'linger' | 'maxGroupBytes'>;

const DUPLICATES_ROUND_MS = 250;
/** As many as are dropped in that time by a busy dedupe. */
const DUPLICATES_ROUND_MAX = 1_000;
/** Two rounds of dropped duplicates: while one is being written the next fills. */
const FRESH_HELD_MAX = 2 * DUPLICATES_ROUND_MAX;
const FRESH_HELD_BYTES_MAX = 64 * 2 ** 20;
/** A quarter of that in bulk: with both full a fresh event has an eighth of all before it that is not fresh, and bulk moves at a quarter of the pace. */
const BULK_HELD_MAX = 500;
const BULK_HELD_BYTES_MAX = 16 * 2 ** 20;
/** What a fresh event may find before it on the way here, and on the way to DELIVERY: a few milliseconds each. At a pull a beat and 5 ms a group that is still 6,000 a second and more. */
const BULK_PULL_MAX = 128;
const BULK_STORING_MAX = 64;
/** Half of what is in hand at most in the lane that is worked in sequence. */
const ORDERED_ROUND_MAX = 64;

/**
 * Every lane with a budget of its own: what is held, what is on its way to DELIVERY and to the ledger, and the round of its duplicates. They share the recent
 * ids, the index and the registry, where nobody waits for anybody longer than a second; so a flood in bulk delays itself.
 */
export class Lanes implements OnModuleDestroy {
  readonly fresh: Router;
  readonly bulk: Router;
  /** By one dedupe at a time, in the order of acceptance. */
  readonly ordered: Router;
  /** Of all lanes, what goes straight to PARKED and found no room. */
  readonly overflow: Overflow = { parkedRefused: 0, deadKept: 0, deadRefused: 0 };
  /** Of all lanes, what DELIVERY has no room for. */
  readonly heldUp: HeldUp = { refused: 0, waiting: 0 };
  private readonly quota: DeliveryQuota;
  private readonly pagers: Pager[] = [];
  private isAlone = false;

  constructor(private readonly options: LanesOptions) {
    const { log } = options;
    this.quota = new DeliveryQuota({
      read: () => this.deliveryBytes(),
      onChange: (state) => log.warn(state, state.moving ? 'DELIVERY has room again: bulk goes on' : 'DELIVERY is at 60 %: bulk waits in INGEST'),
      onFault: (error) => {
        if (!isPassing(error)) log.error({ err: error }, 'how full DELIVERY is cannot be read: bulk waits');
      },
    });
    this.fresh = this.routerOf('fresh', DUPLICATES_ROUND_MAX);
    this.bulk = this.routerOf('bulk', BULK_HELD_MAX / 2, { linger: { ...BULK_LINGER, isAlone: () => this.isAlone }, maxGroupBytes: BULK_GROUP_BYTES, mayWrite: (bytes) => this.quota.mayWrite(bytes), places: new Places(BULK_STORING_MAX) });
    // what such a tenant's other endpoints get takes its turn with all that is fresh
    this.ordered = this.routerOf('fresh', ORDERED_ROUND_MAX);
  }

  get all(): { lane: IngestLane; router: Router }[] {
    return [
      { lane: 'fresh', router: this.fresh },
      { lane: 'bulk', router: this.bulk },
      { lane: 'ordered', router: this.ordered },
    ];
  }

  get quotaState(): QuotaState {
    return this.quota.state;
  }

  readonly room: Room = ({ queue, held, heldBytes }) => {
    if (queue !== 'dedupe-bulk') return heldBytes < FRESH_HELD_BYTES_MAX ? FRESH_HELD_MAX - held : 0;
    return this.quota.mayTake(held === 0) && heldBytes < BULK_HELD_BYTES_MAX ? Math.min(BULK_PULL_MAX, BULK_HELD_MAX - held) : 0;
  };

  readonly screen = (queue: QueueName, messages: readonly WaitingMessage[]): Screened | undefined => (queue === 'dedupe-bulk' ? this.bulk : this.fresh).screen(messages);

  /** A suspect is worked, and nothing beside it: nothing waits for company. */
  workAlone(isAlone: boolean): void {
    this.isAlone = isAlone;
  }

  /** Before the transport drains: what waits for room in DELIVERY would hold it up to its deadline. */
  onModuleDestroy(): void {
    this.quota.close();
  }

  close(): void {
    this.quota.close();
    for (const pager of this.pagers) pager.close();
  }

  private routerOf(lane: DeliveryLane, roundMax: number, { linger, maxGroupBytes, ...bounds }: LaneBounds = {}): Router {
    const { app, broker, registry, admission, storms, now } = this.options;
    const ledger = new Pager(broker, linger);
    this.pagers.push(ledger);
    const record = ledger.record.bind(ledger);
    const delivery = new Publisher(broker, 'WEBHOOK_DELIVERY', { linger, maxGroupBytes });
    const nudge = (shard: number, parkedOn: string): void => broker.nc.publish(subject.nudge('first', shard), parkedOn);
    const straight = new StraightToParked({ parked: new Publisher(broker, 'WEBHOOK_PARKED'), dead: new Publisher(broker, 'WEBHOOK_DEAD'), nudge, app, now, overflow: this.overflow });
    const duplicates = new Duplicates({ app: 'dedupe', record, now, roundMs: DUPLICATES_ROUND_MS, roundMax });
    return new Router({ lane, registry, delivery, heldUp: this.heldUp, straight, record, admission, duplicates, storms, now, ...bounds });
  }

  private async deliveryBytes(): Promise<DeliveryBytes> {
    const { state, config } = await this.options.broker.api<{ state: { bytes: number }; config: { max_bytes: number } }>('STREAM.INFO.WEBHOOK_DELIVERY');
    return { bytes: state.bytes, maxBytes: config.max_bytes };
  }
}
