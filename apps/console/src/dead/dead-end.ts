import type { Broker } from '@spillway/jetstream';

/** Where WEBHOOK_DEAD ends now: a job means what is dead when it is asked for. */
export class DeadEnd {
  constructor(private readonly broker: Broker) {}

  /** @throws BrokerAway | BrokerRefused | OutcomeUnknown */
  async sequence(): Promise<number> {
    const { state } = await this.broker.api<{ state: { last_seq: number } }>('STREAM.INFO.WEBHOOK_DEAD');
    return state.last_seq;
  }
}
