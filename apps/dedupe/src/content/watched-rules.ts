import { dedupeRuleKey, parseIgnoredPath, readDedupeRule, type DedupeRule } from '@spillway/contracts';
import type { WatchedBucket } from '@spillway/jetstream';
import type { Logger } from '@spillway/telemetry';
import type { ContentRules } from '../admission.ts';
import { fingerprintOf } from './fingerprint.ts';
import { ignoring, type Ignored } from './ignored-paths.ts';
import { ruleFor } from './rule-for.ts';

type Compiled = { rule: DedupeRule; ignored: Ignored };

/** Decisions kept for (tenant, type), until a rule of the tenant changes. Only tenants with rules take room. */
const DECISIONS_MAX = 10_000;

/** The rules of every tenant, current to within milliseconds. */
export class WatchedRules implements ContentRules {
  private readonly ofTenant = new Map<string, Map<string, Compiled>>();
  private readonly decided = new Map<string, Compiled | undefined>();

  constructor(bucket: Pick<WatchedBucket, 'onChange'>, log: Pick<Logger, 'error'>) {
    bucket.onChange((key, entry) => {
      if (!key.startsWith(dedupeRuleKey.prefix)) return;
      const [tenant = '', id = ''] = key.slice(dedupeRuleKey.prefix.length).split('.');
      const rule = entry && readDedupeRule(entry.value);
      if (entry && !rule) log.error({ key }, 'a dedupe rule that cannot be read: it has no effect');
      this.set(tenant, id, rule);
    });
  }

  get size(): number {
    let sum = 0;
    for (const rules of this.ofTenant.values()) sum += rules.size;
    return sum;
  }

  ruleFor(tenant: string, type: string): DedupeRule | undefined {
    return this.decide(tenant, type)?.rule;
  }

  fingerprintFor(tenant: string, type: string, data: Buffer): { rule: DedupeRule; fingerprint: string } | undefined {
    const compiled = this.decide(tenant, type);
    const fingerprint = compiled && fingerprintOf(type, data, compiled.ignored);
    return fingerprint === undefined ? undefined : { rule: (compiled as Compiled).rule, fingerprint };
  }

  private decide(tenant: string, type: string): Compiled | undefined {
    const rules = this.ofTenant.get(tenant);
    if (rules === undefined) return undefined;
    const key = `${tenant} ${type}`;
    if (this.decided.has(key)) return this.decided.get(key);
    if (this.decided.size >= DECISIONS_MAX) this.decided.clear();
    const rule = ruleFor([...rules.values()].map((compiled) => compiled.rule), type);
    const decision = rule && rules.get(rule.id);
    this.decided.set(key, decision);
    return decision;
  }

  private set(tenant: string, id: string, rule: DedupeRule | undefined): void {
    const rules = this.ofTenant.get(tenant) ?? new Map<string, Compiled>();
    if (rule) rules.set(id, { rule, ignored: ignoring(rule.ignore.map((path) => parseIgnoredPath(path) ?? [])) });
    else rules.delete(id);
    if (rules.size > 0) this.ofTenant.set(tenant, rules);
    else this.ofTenant.delete(tenant);
    this.decided.clear();
  }
}
