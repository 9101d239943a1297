import { WatchedBucket, type Broker, type Entry } from '@spillway/jetstream';
import { parseSecret } from '@spillway/standard-webhooks';
import type { Logger } from '@spillway/telemetry';
import { EndpointMap, type Matching } from './endpoint-map.ts';
import { SecretUnreadable } from './errors.ts';
import { registryKey, type EndpointRecord } from './record.ts';
import { unseal, type MasterKeys } from './seal.ts';
import { SharedReads } from './shared-reads.ts';
import { idOfUid, parseTenant, type TenantEntry } from './tenant-entry.ts';

export type RegistryOptions = {
  log: Logger;
  /** The bucket's creation time as provisioning noted it. */
  pin?: string | undefined;
  /** Only who signs or shows secrets needs them. */
  masterKeys?: MasterKeys | undefined;
};

/**
 * Every endpoint, in memory, from a watch of bucket `webhook_endpoints`. Nobody may take a message while `state.ready` is false: what is not in sight then
 * is not absent.
 */
export class EndpointRegistry {
  readonly map: EndpointMap;
  private readonly secrets = new WeakMap<EndpointRecord, string[]>();
  private readonly keys = new WeakMap<EndpointRecord, Buffer[]>();
  private readonly alarmed = new Set<string>();
  private readonly entries: SharedReads<Entry | undefined>;

  private constructor(
    readonly bucket: WatchedBucket,
    private readonly options: RegistryOptions,
  ) {
    this.entries = new SharedReads((key) => bucket.read(key));
    this.map = new EndpointMap((key) => options.log.error({ key }, 'the registry holds an entry that cannot be read'));
    bucket.onChange((key, entry) => {
      this.map.apply(key, entry?.value);
      if (entry) this.alarmed.delete(key);
    });
  }

  /** @throws BrokerRefused when the bucket is not there: provisioning makes it */
  static async open(broker: Broker, options: RegistryOptions): Promise<EndpointRegistry> {
    return new EndpointRegistry(await WatchedBucket.open(broker, 'webhook_endpoints', options), options);
  }

  get state(): { ready: boolean; why?: string } {
    return this.bucket.state;
  }

  get(id: string): EndpointRecord | undefined {
    return this.map.get(id);
  }

  /** By id or by the customer's own `uid`; only what exists. */
  find(tenant: string, idOrUid: string): EndpointRecord | undefined {
    const entry = this.map.tenant(tenant);
    const id = entry === undefined ? undefined : (idOfUid(entry, idOrUid) ?? idOrUid);
    const record = id === undefined ? undefined : this.map.get(id);
    return record?.state === 'active' && record.tenant === tenant && entry?.endpoints.includes(record.id) ? record : undefined;
  }

  /** What exists of a tenant, in no particular order. */
  endpointsOf(tenant: string): EndpointRecord[] {
    return this.map.endpointsOf(tenant);
  }

  tenants(): IterableIterator<TenantEntry> {
    return this.map.tenants();
  }

  tenant(tenant: string): TenantEntry | undefined {
    return this.map.tenant(tenant);
  }

  /** Cheap to call for every event: computed once for (tenant, type), until something of the tenant changes. The arrays are shared: do not change them. */
  matching(tenant: string, type: string): Matching {
    const answer = this.map.matching(tenant, type);
    for (const id of answer.absent) this.alarm(tenant, registryKey.endpoint(id));
    return answer;
  }

  /**
   * After a `matching` that found nobody: is that the truth, or are we behind? Reads the tenant's entry once at the leader. Records are written before they are
   * listed, and the watch keeps their order, so whoever has seen the leader's revision of the entry has seen every endpoint in it.
   * @param type asks again whether somebody wants it, for what came into sight meanwhile
   * @returns `not_in_sight`: ask again later, conclude nothing
   * @throws BrokerAway | OutcomeUnknown: the same
   */
  async confirmNone(tenant: string, type?: string): Promise<'none' | 'not_in_sight'> {
    const leader = await this.entries.get(registryKey.tenant(tenant));
    if (!this.state.ready) return 'not_in_sight';
    if (leader === undefined) return this.map.activeRecordsOf(tenant) === 0 ? 'none' : this.lost(tenant);
    const seen = this.bucket.get(registryKey.tenant(tenant))?.revision ?? 0;
    if (seen < leader.revision || parseTenant(leader.value) === undefined) return 'not_in_sight';
    const { deliver, absent } = type === undefined ? { deliver: [], absent: this.absentOf(tenant) } : this.matching(tenant, type);
    return deliver.length + absent.length === 0 ? 'none' : 'not_in_sight';
  }

  /** The keys to sign with, newest first, as `sign` takes them. @throws SecretUnreadable */
  secretOf(record: EndpointRecord): Buffer[] {
    const known = this.keys.get(record);
    if (known !== undefined) return known;
    const keys = this.secretTextsOf(record).map((text) => parseSecret(text));
    this.keys.set(record, keys);
    return keys;
  }

  /** As people see them: `whsec_…`. @throws SecretUnreadable */
  secretTextsOf(record: EndpointRecord): string[] {
    const known = this.secrets.get(record);
    if (known !== undefined) return known;
    const { masterKeys } = this.options;
    if (masterKeys === undefined) throw new SecretUnreadable(`this process has no master key to open the secret of ${record.id}`);
    const texts = record.secrets.map(({ sealed }) => unseal(masterKeys, sealed, record.id));
    this.secrets.set(record, texts);
    return texts;
  }

  close(): void {
    this.bucket.close();
  }

  private absentOf(tenant: string): string[] {
    return (this.map.tenant(tenant)?.endpoints ?? []).filter((id) => this.map.get(id) === undefined);
  }

  private lost(tenant: string): 'not_in_sight' {
    this.alarm(tenant, registryKey.tenant(tenant));
    return 'not_in_sight';
  }

  /** Once each: the alarm must not become a flood of its own. */
  private alarm(tenant: string, missing: string): void {
    if (this.alarmed.has(missing)) return;
    this.alarmed.add(missing);
    this.options.log.error({ tenant, missing }, 'an entry of the registry is absent, not deleted: its events wait until it is back');
  }
}
