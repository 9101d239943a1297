import type { Broker } from './broker.ts';
import { BrokerRefused } from './errors.ts';
import { Places } from './places.ts';

export type UpTo = {
  /** Subjects. Left out, the server would purge all of them (JSON drops `undefined`, tried). */
  filter: string;
  /** Everything below it goes. 0 would mean everything. */
  seq: number;
};

/** A purge pays per block it touches and stalls what is published beside it: eight side by side are as fast as more. */
const IN_FLIGHT_MAX = 8;
/** No message found; the sequence could not be deleted because it is not there. */
const GONE_ALREADY = new Set([10037, 10043, 10057]);

/** The one place where messages are removed from a stream by hand. One a connection, so that the bound holds for the process. */
export class Remover {
  private static readonly byBroker = new WeakMap<Broker, Remover>();
  private readonly places = new Places(IN_FLIGHT_MAX);

  private constructor(private readonly broker: Broker) {}

  static of(broker: Broker): Remover {
    const known = Remover.byBroker.get(broker) ?? new Remover(broker);
    Remover.byBroker.set(broker, known);
    return known;
  }

  /**
   * @returns how many messages went
   * @throws TypeError without a filter or a sequence: half a purge request purges everything. BrokerAway | BrokerRefused | OutcomeUnknown
   */
  async purge(stream: string, { filter, seq }: UpTo): Promise<number> {
    if (typeof filter !== 'string' || filter === '') throw new TypeError(`a purge of ${stream} needs a filter, not ${JSON.stringify(filter)}: without one it purges all subjects`);
    if (!Number.isSafeInteger(seq) || seq < 1) throw new TypeError(`a purge of ${stream} needs a sequence from 1, not ${String(seq)}: without one it purges everything`);
    const { purged } = await this.places.within(() => this.broker.api<{ purged: number }>(`STREAM.PURGE.${stream}`, { filter, seq }));
    return purged;
  }

  /** One message. 1.3 k/s under fsync where a purge of 899 took 3 ms: for what a purge cannot reach. One that is gone already is no error. */
  async remove(stream: string, seq: number): Promise<void> {
    try {
      // no_erase: the bytes need not be overwritten on disk
      await this.places.within(() => this.broker.api(`STREAM.MSG.DELETE.${stream}`, { seq, no_erase: true }));
    } catch (error) {
      if (!(error instanceof BrokerRefused && GONE_ALREADY.has(error.errCode))) throw error;
    }
  }
}
