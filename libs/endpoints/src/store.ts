import { newEndpointId } from '@spillway/contracts';
import { RevisionConflict } from '@spillway/jetstream';
import { ChangedTooOften, RegistryDamaged, RegistryRefusal } from './errors.ts';
import { parseRecord, registryKey, tombstoneOf, type EndpointDraft, type EndpointRecord } from './record.ts';
import type { EndpointRegistry } from './registry.ts';
import { seal, type MasterKeys } from './seal.ts';
import { emptyTenant, MAX_ENDPOINTS_PER_TENANT, parseTenant, withEndpoint, withOrdered, withoutEndpoints, withUid, type TenantEntry, type TenantSettings } from './tenant-entry.ts';
import { Turns } from './turns.ts';

/** Each conflict means that somebody else got through, so a handful of writers never needs as many. */
const MAX_TRIES = 50;

/** Tombstones written together: enough to share their disk syncs. */
const AT_ONCE = 50;

type Change = { before: EndpointRecord; after: EndpointRecord };

const isActive = (record: EndpointRecord): boolean => record.state === 'active';

/** Whoever finds nobody for a type asks for the revision of the tenant's entry: writing that again makes him wait for such a change. */
const changesMatching = ({ before, after }: Change): boolean => before.enabled !== after.enabled || JSON.stringify(before.types) !== JSON.stringify(after.types);

export type StoreOptions = { masterKeys: MasterKeys; maxEndpoints?: number; now?: () => Date };

/**
 * Writes bucket `webhook_endpoints`. The order is the promise: first the record, then the list in the tenant's entry, by `update(revision)` and repeated on a
 * conflict; so whoever sees an endpoint listed can see its record. Answers come when this process's own registry has it too.
 * Every method may throw PublishRefused (the bucket is full), BrokerAway, OutcomeUnknown (perhaps done).
 */
export class EndpointStore {
  private readonly turns = new Turns();
  private readonly now: () => string;

  constructor(
    private readonly registry: EndpointRegistry,
    private readonly options: StoreOptions,
  ) {
    this.now = () => (options.now?.() ?? new Date()).toISOString();
  }

  /** @throws RegistryRefusal `too_many_endpoints` | `uid_taken` */
  async create(tenant: string, draft: EndpointDraft, secret: string): Promise<EndpointRecord> {
    const id = newEndpointId();
    const at = this.now();
    const record: EndpointRecord = { ...draft, id, tenant, secrets: [this.sealed(secret, id, at)], state: 'active', createdAt: at, updatedAt: at };
    const list = (entry: TenantEntry) => withOrdered(withEndpoint(entry, id, draft.uid, this.options.maxEndpoints ?? MAX_ENDPOINTS_PER_TENANT), id, draft.ordered === true);
    // the entry is there before any record: a tenant that has records but no entry has lost it, and that is an alarm
    await this.editTenant(tenant, (entry) => (list(entry), entry));
    const revision = await this.bucket.create(registryKey.endpoint(id), JSON.stringify(record));
    try {
      await this.editTenant(tenant, list);
    } catch (error) {
      if (error instanceof RegistryRefusal) await this.bury(record, revision);
      throw error;
    }
    return record;
  }

  /**
   * @param edit gets what stands there now, perhaps more than once; the same object back means: nothing to change
   * @throws RegistryRefusal `unknown_endpoint` | `uid_taken`
   */
  async change(tenant: string, id: string, edit: (current: EndpointRecord) => EndpointRecord): Promise<Change> {
    const { record } = await this.read(tenant, id, isActive);
    const { uid } = edit(record);
    if (uid !== record.uid) await this.editTenant(tenant, (entry) => withUid(entry, id, uid));
    const change = await this.editRecord(tenant, id, isActive, edit);
    // asked of the entry, not of the change: so a try that ended between the two is made whole by the next
    const isOrdered = change.after.ordered === true;
    if ((this.registry.tenant(tenant)?.ordered ?? []).includes(id) !== isOrdered) await this.editTenant(tenant, (entry) => withOrdered(entry, id, isOrdered));
    if (changesMatching(change)) await this.editTenant(tenant, (entry) => ({ ...entry, updatedAt: this.now() }));
    return change;
  }

  /** The record stays, and says *deleted*. Ends what an earlier try has begun. @throws RegistryRefusal `unknown_endpoint` */
  async remove(tenant: string, id: string): Promise<EndpointRecord> {
    const listed = this.registry.tenant(tenant)?.endpoints.includes(id) ?? false;
    const before = await this.tombstone(tenant, id, listed ? () => true : isActive);
    await this.editTenant(tenant, (entry) => withoutEndpoints(entry, new Set([id])));
    return before;
  }

  /** Settings are replaced whole; its endpoints stay. */
  async putTenant(tenant: string, settings: TenantSettings): Promise<TenantEntry> {
    return this.editTenant(tenant, (entry) => ({ ...entry, settings, state: 'active', updatedAt: this.now() }));
  }

  /** Deletes its endpoints, then its settings. May be repeated until it succeeds. @returns what was deleted */
  async removeTenant(tenant: string): Promise<EndpointRecord[]> {
    const removed: EndpointRecord[] = [];
    const endpoints = this.registry.map.endpointsOf(tenant);
    for (let from = 0; from < endpoints.length; from += AT_ONCE) removed.push(...(await Promise.all(endpoints.slice(from, from + AT_ONCE).map((record) => this.tombstone(tenant, record.id, () => true)))));
    await this.editTenant(tenant, (entry) => {
      const rest = withoutEndpoints(entry, new Set(entry.endpoints.filter((id) => this.registry.get(id)?.state === 'deleted')));
      // one that came meanwhile keeps its tenant
      return { ...rest, settings: {}, state: rest.endpoints.length === 0 ? 'deleted' : 'active', updatedAt: this.now() };
    });
    return removed;
  }

  private get bucket(): EndpointRegistry['bucket'] {
    return this.registry.bucket;
  }

  private sealed(secret: string, id: string, createdAt: string): EndpointRecord['secrets'][number] {
    return { sealed: seal(this.options.masterKeys, secret, id), createdAt };
  }

  private async read(tenant: string, id: string, accept: (record: EndpointRecord) => boolean): Promise<{ record: EndpointRecord; revision: number }> {
    const entry = await this.bucket.read(registryKey.endpoint(id));
    const record = entry && parseRecord(entry.value);
    if (entry && !record) throw new RegistryDamaged(`${registryKey.endpoint(id)} cannot be read`);
    if (!entry || !record || record.tenant !== tenant || !accept(record)) throw new RegistryRefusal('unknown_endpoint', `tenant ${tenant} has no endpoint ${id}`);
    return { record, revision: entry.revision };
  }

  private async editRecord(tenant: string, id: string, accept: (record: EndpointRecord) => boolean, edit: (current: EndpointRecord) => EndpointRecord): Promise<Change> {
    const key = registryKey.endpoint(id);
    return this.repeated(key, async () => {
      const { record: before, revision } = await this.read(tenant, id, accept);
      const after = edit(before);
      if (after !== before) await this.bucket.caughtUp(await this.bucket.update(key, JSON.stringify(after), revision));
      return { before, after };
    });
  }

  private async editTenant(tenant: string, edit: (entry: TenantEntry) => TenantEntry): Promise<TenantEntry> {
    const key = registryKey.tenant(tenant);
    return this.repeated(key, async () => {
      const found = await this.bucket.read(key);
      const before = found ? parseTenant(found.value) : emptyTenant(tenant, this.now());
      if (before === undefined) throw new RegistryDamaged(`${key} cannot be read`);
      const after = edit(before);
      if (found && after === before) return after;
      const text = JSON.stringify(after);
      await this.bucket.caughtUp(found ? await this.bucket.update(key, text, found.revision) : await this.bucket.create(key, text));
      return after;
    });
  }

  private async repeated<T>(key: string, attempt: () => Promise<T>): Promise<T> {
    return this.turns.take(key, async () => {
      for (let tries = 0; tries < MAX_TRIES; tries += 1) {
        try {
          return await attempt();
        } catch (error) {
          if (!(error instanceof RevisionConflict)) throw error;
        }
      }
      throw new ChangedTooOften(`${key} was changed by others ${MAX_TRIES} times in a row`);
    });
  }

  private async tombstone(tenant: string, id: string, accept: (record: EndpointRecord) => boolean): Promise<EndpointRecord> {
    const { before } = await this.editRecord(tenant, id, accept, (record) => (isActive(record) ? tombstoneOf(record, this.now()) : record));
    return before;
  }

  /** Somebody else took the uid or the last place between our look and our turn. */
  private async bury(record: EndpointRecord, revision: number): Promise<void> {
    await this.bucket.caughtUp(await this.bucket.update(registryKey.endpoint(record.id), JSON.stringify(tombstoneOf(record, this.now())), revision));
  }
}
