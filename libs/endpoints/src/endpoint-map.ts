import { wantsType } from './matches-type.ts';
import { parseRecord, registryKey, type EndpointRecord } from './record.ts';
import { parseTenant, type TenantEntry } from './tenant-entry.ts';

export type Matching = {
  deliver: EndpointRecord[];
  /** Disabled: they get no delivery, and the fact says so. */
  skipped: EndpointRecord[];
  /** Listed, but their record is not there or cannot be read: nobody knows what they want. An alarm, and never a reason to drop an event. */
  absent: string[];
};

/** Answers kept, over all tenants: types are the producers' words, so without a bound anybody could fill the memory. ~200 B each, 2 MB in all. */
const MAX_CACHED = 10_000;
const PREFIX = { endpoint: registryKey.endpoint(''), tenant: registryKey.tenant('') };

/**
 * What the bucket says, in the order it said it: maps that a change touches in one place. Pure memory, so a hundred thousand endpoints are no matter; an answer
 * is computed once for (tenant, type) and thrown away when something of that tenant changes.
 */
export class EndpointMap {
  private readonly records = new Map<string, EndpointRecord>();
  private readonly tenantEntries = new Map<string, TenantEntry>();
  private readonly answers = new Map<string, Map<string, Matching>>();
  private readonly activeOf = new Map<string, number>();
  private cached = 0;

  /** Told of what was written and cannot be read. */
  constructor(private readonly onUnreadable: (key: string) => void = () => undefined) {}

  apply(key: string, value: string | undefined): void {
    if (key.startsWith(PREFIX.endpoint)) this.applyRecord(key.slice(PREFIX.endpoint.length), value);
    else if (key.startsWith(PREFIX.tenant)) this.applyTenant(key.slice(PREFIX.tenant.length), value);
  }

  get(id: string): EndpointRecord | undefined {
    return this.records.get(id);
  }

  tenant(tenant: string): TenantEntry | undefined {
    return this.tenantEntries.get(tenant);
  }

  tenants(): IterableIterator<TenantEntry> {
    return this.tenantEntries.values();
  }

  /** The endpoints that exist: listed, and said to be active by their record. */
  endpointsOf(tenant: string): EndpointRecord[] {
    return (this.tenantEntries.get(tenant)?.endpoints ?? []).map((id) => this.records.get(id)).filter((record) => record !== undefined && record.state === 'active') as EndpointRecord[];
  }

  /** Records that say *active*, listed or not: a tenant that has some but no entry has lost it. */
  activeRecordsOf(tenant: string): number {
    return this.activeOf.get(tenant) ?? 0;
  }

  matching(tenant: string, type: string): Matching {
    const known = this.answers.get(tenant)?.get(type);
    if (known !== undefined) return known;
    const answer = this.compute(tenant, type);
    this.keep(tenant, type, answer);
    return answer;
  }

  private compute(tenant: string, type: string): Matching {
    const answer: Matching = { deliver: [], skipped: [], absent: [] };
    for (const id of this.tenantEntries.get(tenant)?.endpoints ?? []) {
      const record = this.records.get(id);
      if (record === undefined || record.tenant !== tenant) answer.absent.push(id);
      else if (record.state === 'active' && wantsType(record.types, type)) (record.enabled ? answer.deliver : answer.skipped).push(record);
    }
    return answer;
  }

  private keep(tenant: string, type: string, answer: Matching): void {
    if (this.cached >= MAX_CACHED) {
      this.answers.clear();
      this.cached = 0;
    }
    const ofTenant = this.answers.get(tenant);
    if (ofTenant) ofTenant.set(type, answer);
    else this.answers.set(tenant, new Map([[type, answer]]));
    this.cached += 1;
  }

  private forget(tenant: string): void {
    this.cached -= this.answers.get(tenant)?.size ?? 0;
    this.answers.delete(tenant);
  }

  private applyRecord(id: string, value: string | undefined): void {
    const before = this.records.get(id);
    const after = value === undefined ? undefined : parseRecord(value);
    if (value !== undefined && after?.id !== id) this.onUnreadable(registryKey.endpoint(id));
    if (before) this.leave(before);
    if (after?.id === id) this.enter(after);
  }

  private leave(record: EndpointRecord): void {
    this.records.delete(record.id);
    if (record.state === 'active') this.activeOf.set(record.tenant, this.activeRecordsOf(record.tenant) - 1);
    this.forget(record.tenant);
  }

  private enter(record: EndpointRecord): void {
    this.records.set(record.id, record);
    if (record.state === 'active') this.activeOf.set(record.tenant, this.activeRecordsOf(record.tenant) + 1);
    this.forget(record.tenant);
  }

  private applyTenant(tenant: string, value: string | undefined): void {
    const entry = value === undefined ? undefined : parseTenant(value);
    if (value !== undefined && entry?.tenant !== tenant) this.onUnreadable(registryKey.tenant(tenant));
    if (entry?.tenant === tenant) this.tenantEntries.set(tenant, entry);
    else this.tenantEntries.delete(tenant);
    this.forget(tenant);
  }
}
