import { DEDUPE_INDEX_KEY, dedupeRuleId, dedupeRuleKey, readDedupeRule, type DedupeIndexStatus, type DedupeRule } from '@spillway/contracts';
import type { WatchedBucket } from '@spillway/jetstream';

export type RuleDraft = Pick<DedupeRule, 'tenant' | 'type' | 'ignore' | 'windowSeconds'>;

/** The rules by content, in bucket `webhook_control`, where dedupe watches them; and what dedupe says of its index there. */
export class DedupeRules {
  constructor(private readonly bucket: WatchedBucket) {}

  get state(): { ready: boolean; why?: string } {
    return this.bucket.state;
  }

  /** `undefined` while no dedupe has ever run, or what stands there is not dedupe's: it says it anew within seconds. */
  get index(): DedupeIndexStatus | undefined {
    const entry = this.bucket.get(DEDUPE_INDEX_KEY);
    try {
      return entry && (JSON.parse(entry.value) as DedupeIndexStatus);
    } catch {
      return undefined;
    }
  }

  *all(): IterableIterator<DedupeRule> {
    for (const [, { value }] of this.bucket.entries(dedupeRuleKey.prefix)) {
      const rule = readDedupeRule(value);
      if (rule) yield rule;
    }
  }

  find(id: string): DedupeRule | undefined {
    for (const rule of this.all()) if (rule.id === id) return rule;
    return undefined;
  }

  of(tenant: string, type: string): DedupeRule | undefined {
    const entry = this.bucket.get(dedupeRuleKey.of(tenant, dedupeRuleId(tenant, type)));
    return entry && readDedupeRule(entry.value);
  }

  /** One rule a tenant and type: the same asked for again is the same rule, changed, with no moment without it. */
  async put(draft: RuleDraft, at: string): Promise<DedupeRule> {
    const { tenant, type, ignore, windowSeconds } = draft;
    const rule: DedupeRule = { id: dedupeRuleId(tenant, type), tenant, type, ignore, windowSeconds, createdAt: this.of(tenant, type)?.createdAt ?? at, updatedAt: at };
    await this.bucket.caughtUp(await this.bucket.put(dedupeRuleKey.of(tenant, rule.id), JSON.stringify(rule)));
    return rule;
  }

  async remove({ tenant, id }: DedupeRule): Promise<void> {
    await this.bucket.caughtUp(await this.bucket.remove(dedupeRuleKey.of(tenant, id)));
  }
}
