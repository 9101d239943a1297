import { WatchedBucket, type Broker } from '@spillway/jetstream';
import { isOrderedTenant, parseTenant, registryKey, type TenantSettings } from '@spillway/endpoints';
import type { Logger } from '@spillway/telemetry';

const PREFIX = registryKey.tenant('');
const READY_WITHIN_MS = 5_000;

type Listener = (tenant: string, settings: TenantSettings, isOrdered: boolean) => void;

/** What is set for a tenant, from a watch of the registry; nothing is kept of those that have no settings. Endpoints are not ingest's business. */
export class WatchedSettings {
  private readonly tenants = new Map<string, TenantSettings>();
  private readonly ordered = new Set<string>();
  private readonly listeners: Listener[] = [];

  private constructor(
    private readonly bucket: WatchedBucket,
    log: Pick<Logger, 'error'>,
  ) {
    bucket.onChange((key, entry) => {
      if (!key.startsWith(PREFIX)) return;
      const parsed = entry && parseTenant(entry.value);
      if (entry && !parsed) log.error({ key }, 'the settings of a tenant cannot be read: it has none');
      this.set(key.slice(PREFIX.length), parsed?.settings ?? {}, parsed !== undefined && isOrderedTenant(parsed));
    });
  }

  /** @throws BrokerRefused when the bucket is not there: provisioning makes it */
  static async open(broker: Broker, { log, pin }: { log: Logger; pin?: string | undefined }): Promise<WatchedSettings> {
    const bucket = await WatchedBucket.open(broker, 'webhook_endpoints', { log, pin, keep: (key) => key.startsWith(PREFIX) });
    // whoever is ordered should be known before the first event is taken; but nobody is refused for a registry that is not whole
    await bucket.whenReady(READY_WITHIN_MS).catch((error: unknown) => log.warn({ err: error }, 'the settings of tenants are not complete: events are taken by what is known'));
    return new WatchedSettings(bucket, log);
  }

  /** Not ready: what was set last still counts, and who is not known has no rate of his own. Nothing is refused for it. */
  get state(): { ready: boolean; why?: string } {
    return this.bucket.state;
  }

  of(tenant: string): TenantSettings | undefined {
    return this.tenants.get(tenant);
  }

  onChange(listener: Listener): void {
    this.listeners.push(listener);
    for (const tenant of new Set([...this.tenants.keys(), ...this.ordered])) listener(tenant, this.tenants.get(tenant) ?? {}, this.ordered.has(tenant));
  }

  close(): void {
    this.bucket.close();
  }

  private set(tenant: string, settings: TenantSettings, isOrdered: boolean): void {
    if (isOrdered) this.ordered.add(tenant);
    else this.ordered.delete(tenant);
    if (Object.keys(settings).length === 0) this.tenants.delete(tenant);
    else this.tenants.set(tenant, settings);
    for (const listener of this.listeners) listener(tenant, settings, isOrdered);
  }
}
