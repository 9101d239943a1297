import { deliveryHeaders, header, type DeliveryMeta, type Fact } from '@spillway/contracts';
import { deliveriesParked, deliveryOf, giveUp, nextMeta, whenDeadRefuses } from '@spillway/delivery';
import { isFull, type Publisher, type PubAck } from '@spillway/jetstream';
import { shardOf, subject } from '@spillway/topology';
import { untilStored } from './until-stored.ts';

export type ToPark = { meta: DeliveryMeta; messageId: string; body: Uint8Array };
export type Parked = { ack: PubAck; fact: Fact };

/** How often a full stream had no room, and where that left the delivery. */
export type Overflow = { parkedRefused: number; deadKept: number; deadRefused: number };

export type StraightToParkedOptions = {
  parked: Publisher;
  dead: Publisher;
  /** Tells the endpoint's home at once; it looks by itself only every few seconds. */
  nudge: (shard: number, parkedOn: string) => void;
  app: string;
  now: () => Date;
  /** For metrics. */
  overflow: Overflow;
};

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
    this.options.overflow.parkedRefused += 1;
    const decision = giveUp(deliveryOf(meta), 'parked_overflow', this.said);
    const stored = await this.put(this.options.dead, subject.dead.endpoint(meta.tenant), delivery, nextMeta(meta, { go: 'dead', reason: 'parked_overflow' }));
    this.options.overflow[stored === 'refused' ? 'deadRefused' : 'deadKept'] += 1;
    const [fact] = (stored === 'refused' ? whenDeadRefuses(decision) : decision).facts;
    return { ack: stored === 'refused' ? { seq: 0, duplicate: false } : stored, fact: fact as Fact };
  }

  private get said(): { now: Date; app: string } {
    return { now: this.options.now(), app: this.options.app };
  }

  private async put(publisher: Publisher, on: string, { messageId, body }: ToPark, meta: DeliveryMeta): Promise<PubAck | 'refused'> {
    const message = { subject: on, headers: [...deliveryHeaders(meta), [header.messageId, messageId]] satisfies [string, string][], data: body };
    try {
      const [ack] = await untilStored(() => publisher.publishTogether([message]));
      return ack as PubAck;
    } catch (error) {
      if (isFull(error)) return 'refused';
      throw error;
    }
  }
}
