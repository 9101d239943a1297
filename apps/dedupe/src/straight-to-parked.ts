import { setTimeout as wait } from 'node:timers/promises';
import { deliveryHeaders, header, type DeliveryMeta, type Fact } from '@spillway/contracts';
import { deliveriesParked, deliveryOf, giveUp, nextMeta, whenDeadRefuses } from '@spillway/delivery';
import { isPassing, PublishRefused, type Publisher, type PubAck } from '@spillway/jetstream';
import { shardOf, subject } from '@spillway/topology';

export type ToPark = { meta: DeliveryMeta; messageId: string; body: Uint8Array };
export type Parked = { ack: PubAck; fact: Fact };

export type StraightToParkedOptions = {
  parked: Publisher;
  dead: Publisher;
  /** Tells the endpoint's home at once; it looks by itself only every few seconds. */
  nudge: (shard: number, parkedOn: string) => void;
  app: string;
  now: () => Date;
};

const ASK_AGAIN_MS = 250;
const REFUSALS = new Set(['stream_full', 'subject_full', 'storage_full']);

/** An ordered endpoint's deliveries wait for their endpoint from the start: the first of its subject is the next to go. */
export class StraightToParked {
  constructor(private readonly options: StraightToParkedOptions) {}

  /** Until it is known where it is: in PARKED, or, where that refuses, a dead letter at once. The calendar would break the order; so there is a gap, and it is said. */
  async store(delivery: ToPark): Promise<Parked> {
    const { meta } = delivery;
    const shard = shardOf(meta.endpointId);
    const on = subject.parked('first', shard, meta.endpointId);
    const stored = await this.put(this.options.parked, on, delivery, meta);
    if (stored === 'refused') return this.bury(delivery);
    this.options.nudge(shard, on);
    const { deliveryId } = deliveryOf(meta);
    return { ack: stored, fact: deliveriesParked(meta.tenant, meta.endpointId, [deliveryId], 'ordered', this.said) };
  }

  private async bury(delivery: ToPark): Promise<Parked> {
    const { meta } = delivery;
    const decision = giveUp(deliveryOf(meta), 'parked_overflow', this.said);
    const stored = await this.put(this.options.dead, subject.dead.endpoint(meta.tenant), delivery, nextMeta(meta, { go: 'dead', reason: 'parked_overflow' }));
    const [fact] = (stored === 'refused' ? whenDeadRefuses(decision) : decision).facts;
    return { ack: stored === 'refused' ? { seq: 0, duplicate: false } : stored, fact: fact as Fact };
  }

  private get said(): { now: Date; app: string } {
    return { now: this.options.now(), app: this.options.app };
  }

  private async put(publisher: Publisher, on: string, { messageId, body }: ToPark, meta: DeliveryMeta): Promise<PubAck | 'refused'> {
    for (;;) {
      try {
        return await publisher.publish(on, [...deliveryHeaders(meta), [header.messageId, messageId]], body);
      } catch (error) {
        if (error instanceof PublishRefused && REFUSALS.has(error.kind)) return 'refused';
        if (!isPassing(error)) throw error;
        await wait(ASK_AGAIN_MS * (0.75 + Math.random() / 2));
      }
    }
  }
}
