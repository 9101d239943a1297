import { BULK_GROUP_BYTES, Publisher, type Broker, type Outgoing, type PubAck, type PublisherOptions } from '@spillway/jetstream';
import { isBulkIngest, isOrderedIngest } from '@spillway/topology';

export type IngestStoreOptions = Pick<PublisherOptions, 'timeoutMs' | 'maxWaiting' | 'maxWaitingBytes'>;

/** Two groups are under way at once, so where a disk sync takes 90 ms, groups of 500 are 11,000 events a second in batches, whatever the rest can do. */
const GROUP = 1_000;

/** WEBHOOK_INGEST, as events are put into it: what is bulk in groups of its own, and little of it at once, so that what is fresh does not wait behind megabytes of it. */
export class IngestStore {
  private readonly bulk: Publisher;
  private readonly others: Publisher;

  constructor(broker: Broker, options: IngestStoreOptions) {
    const common: PublisherOptions = { ...options, maxGroup: GROUP, pages: (of) => !isOrderedIngest(of) };
    this.bulk = new Publisher(broker, 'WEBHOOK_INGEST', { ...common, maxGroupBytes: BULK_GROUP_BYTES });
    this.others = new Publisher(broker, 'WEBHOOK_INGEST', common);
  }

  /** Events handed over that have no answer yet. */
  get waiting(): number {
    return this.bulk.waiting + this.others.waiting;
  }

  /** How many events a message holds, lately. */
  get perMessage(): { fresh: number; bulk: number } {
    return { fresh: this.others.perMessage, bulk: this.bulk.perMessage };
  }

  /** As `Publisher.publish`, with its errors. */
  publish({ subject, headers, data }: Outgoing): Promise<PubAck> {
    return this.publisherOf(subject).publish(subject, headers, data);
  }

  /** As `Publisher.publishEach`: never rejects; at each message’s place its confirmation, or why it has none. In their order in each lane. */
  async publishEach(messages: readonly Outgoing[]): Promise<(PubAck | Error)[]> {
    const bulk = messages.filter(({ subject }) => isBulkIngest(subject));
    if (bulk.length === 0) return this.others.publishEach(messages);
    const others = messages.filter(({ subject }) => !isBulkIngest(subject));
    const [bulkOutcomes, otherOutcomes] = await Promise.all([this.bulk.publishEach(bulk), this.others.publishEach(others)]);
    const [ofBulk, ofOthers] = [bulkOutcomes.values(), otherOutcomes.values()];
    return messages.map(({ subject }) => (isBulkIngest(subject) ? ofBulk : ofOthers).next().value as PubAck | Error);
  }

  /** The subject is near its cap: no batch may cross it. */
  keepApart(subject: string, forMs: number): void {
    this.publisherOf(subject).keepApart(subject, forMs);
  }

  private publisherOf(subject: string): Publisher {
    return isBulkIngest(subject) ? this.bulk : this.others;
  }
}
