import { WatchedBucket, type Broker } from '@spillway/jetstream';
import { parseTenant, registryKey, type TenantSettings } from '@spillway/endpoints';
import type { Logger } from '@spillway/telemetry';

const PREFIX = registryKey.tenant('');

/** What is set for a tenant, from a watch of the registry; nothing is kept of those that have no settings. Endpoints are not ingest's business. */
export class WatchedSettings {
  private readonly tenants = new Map<string, TenantSettings>();
  private readonly listeners: ((tenant: string, settings: TenantSettings) => void)[] = [];

  private constructor(
    private readonly bucket: WatchedBucket,
    log: Pick<Logger, 'error'>,
  ) {
    bucket.onChange((key, entry) => {
      if (!key.startsWith(PREFIX)) return;
      const parsed = entry && parseTenant(entry.value);
      if (entry && !parsed) log.error({ key }, 'the settings of a tenant cannot be read: it has none');
      this.set(key.slice(PREFIX.length), parsed?.settings ?? {});
    });
  }

  /** @throws BrokerRefused when the bucket is not there: provisioning makes it */
  static async open(broker: Broker, { log, pin }: { log: Logger; pin?: string | undefined }): Promise<WatchedSettings> {
    return new WatchedSettings(await WatchedBucket.open(broker, 'webhook_endpoints', { log, pin, keep: (key) => key.startsWith(PREFIX) }), log);
  }

  /** Not ready: what was set last still counts, and who is not known has no rate of his own. Nothing is refused for it. */
  get state(): { ready: boolean; why?: string } {
    return this.bucket.state;
  }

  of(tenant: string): TenantSettings | undefined {
    return this.tenants.get(tenant);
  }

  onChange(listener: (tenant: string, settings: TenantSettings) => void): void {
    this.listeners.push(listener);
    for (const [tenant, settings] of this.tenants) listener(tenant, settings);
  }

  close(): void {
    this.bucket.close();
  }

  private set(tenant: string, settings: TenantSettings): void {
    if (Object.keys(settings).length === 0) this.tenants.delete(tenant);
    else this.tenants.set(tenant, settings);
    for (const listener of this.listeners) listener(tenant, settings);
  }
}
