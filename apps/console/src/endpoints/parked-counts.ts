import { InfrastructureError, listSubjects, type Broker } from '@spillway/jetstream';
import { readParked, shardOf } from '@spillway/topology';

/** Parked deliveries by endpoint; `undefined` when nobody could say. */
export type Parked = ReadonlyMap<string, number> | undefined;

/** 135 ms of the server's time for 100,000 subjects: whoever lists endpoints more often than this sees the same counts. */
const FRESH_MS = 2_000;

const byEndpoint = (subjects: ReadonlyMap<string, number>): Map<string, number> => {
  const parked = new Map<string, number>();
  for (const [subject, count] of subjects) {
    const id = readParked(subject)?.endpointId;
    if (id !== undefined) parked.set(id, (parked.get(id) ?? 0) + count);
  }
  return parked;
};

/** How many deliveries wait for their endpoint, from the subjects of WEBHOOK_PARKED. Endpoints are shown without, when the broker does not say. */
export class ParkedCounts {
  private latest: Promise<Parked> | undefined;
  private askedAt = Number.NEGATIVE_INFINITY;

  constructor(private readonly broker: Broker) {}

  /** Of one endpoint, as it is now. */
  async of(endpointId: string): Promise<number | null> {
    const parked = await this.ask(`webhook.parked.*.${shardOf(endpointId)}.${endpointId}`);
    return parked === undefined ? null : (parked.get(endpointId) ?? 0);
  }

  /** Of all, at most two seconds old. */
  all(): Promise<Parked> {
    const now = performance.now();
    if (this.latest === undefined || now - this.askedAt >= FRESH_MS) {
      this.askedAt = now;
      this.latest = this.ask('webhook.parked.>');
    }
    return this.latest;
  }

  private async ask(filter: string): Promise<Parked> {
    try {
      return byEndpoint((await listSubjects(this.broker, 'WEBHOOK_PARKED', filter)).counts);
    } catch (error) {
      if (error instanceof InfrastructureError) return undefined;
      throw error;
    }
  }
}
