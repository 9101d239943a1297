import type { EndpointLearnt, EndpointsLearnt } from '@spillway/contracts';
import { askAll, type Broker } from '@spillway/jetstream';
import { shardOf, subject } from '@spillway/topology';
import type { Owners } from '../status/owners.ts';

const APPS = ['dispatcher', 'retrier'] as const;
/** An owner answers from memory within a millisecond or two; one that does not is busy, and is left out. */
const ANSWER_WITHIN_MS = 250;

/** What the owners of endpoints' shards have learnt of them: asked when somebody wants to see it, kept nowhere. */
export class LearntByOwners {
  constructor(
    private readonly broker: Broker,
    private readonly owners: Pick<Owners, 'of'>,
  ) {}

  /** By endpoint, from each app that has attempted anything there. An endpoint without an entry: no owner answered. */
  async of(endpointIds: readonly string[]): Promise<Map<string, EndpointLearnt[]>> {
    const byShard = Map.groupBy(endpointIds, shardOf);
    const answered = await Promise.all([...byShard].map(([shard, ids]) => this.ask(shard, ids)));
    return new Map(answered.flat());
  }

  private async ask(shard: number, ids: readonly string[]): Promise<[string, EndpointLearnt[]][]> {
    const want = APPS.filter((app) => this.owners.of(app, [shard]).length > 0).length;
    const answers = await askAll<EndpointsLearnt>(this.broker, subject.askLearnt(shard), ids, { want, timeoutMs: ANSWER_WITHIN_MS });
    return answers.length === 0 ? [] : ids.map((id) => [id, answers.flatMap((answer) => answer[id] ?? [])]);
  }
}
