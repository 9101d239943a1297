import { timingSafeEqual } from 'node:crypto';
import { WatchedBucket, type Broker } from '@spillway/jetstream';
import type { Logger } from '@spillway/telemetry';
import { keyKey, parseKey, type KeyRecord } from './key-record.ts';
import { bareKey, hashOfKeyText, idOfKeyText } from './key-text.ts';
import type { Principal } from './scopes.ts';

export type KeyRingOptions = {
  /** From the configuration; never stored. Without one nobody is admin. */
  adminKey?: string | undefined;
  log: Logger;
  /** The bucket's creation time as provisioning noted it. */
  pin?: string | undefined;
};

type Held = { record: KeyRecord; hash: Buffer; expiresAtMs: number; principal: Principal };

const ADMIN: Principal = { id: 'admin', scopes: new Set(), admin: true };
const PREFIX = keyKey('');

const principalOf = ({ id, tenant, scopes, ratePerSecond }: KeyRecord): Principal => ({
  id,
  scopes: new Set(scopes),
  admin: false,
  ...(tenant === undefined ? {} : { tenant }),
  ...(ratePerSecond === undefined ? {} : { ratePerSecond }),
});

const held = (record: KeyRecord): Held => ({
  record,
  hash: Buffer.from(record.hash, 'hex'),
  expiresAtMs: record.expiresAt === undefined ? Number.POSITIVE_INFINITY : Date.parse(record.expiresAt),
  principal: principalOf(record),
});

/**
 * Every key, in memory, from a watch of bucket `webhook_keys`: a revocation acts as soon as the watch brings it, within milliseconds. Ask `state` first: while it
 * is not ready an unknown key is not a wrong one.
 */
export class KeyRing {
  private readonly keys = new Map<string, Held>();
  private readonly adminHash: Buffer | undefined;

  private constructor(
    readonly bucket: WatchedBucket,
    { adminKey, log }: KeyRingOptions,
  ) {
    this.adminHash = adminKey === undefined || adminKey === '' ? undefined : hashOfKeyText(adminKey);
    bucket.onChange((key, entry) => {
      if (!key.startsWith(PREFIX)) return;
      const record = entry && parseKey(entry.value);
      if (entry && record?.id !== key.slice(PREFIX.length)) log.error({ key }, 'the key ring holds an entry that cannot be read: it opens nothing');
      if (record && record.id === key.slice(PREFIX.length)) this.keys.set(record.id, held(record));
      else this.keys.delete(key.slice(PREFIX.length));
    });
  }

  /** @throws BrokerRefused when the bucket is not there: provisioning makes it */
  static async open(broker: Broker, options: KeyRingOptions): Promise<KeyRing> {
    return new KeyRing(await WatchedBucket.open(broker, 'webhook_keys', options), options);
  }

  get state(): { ready: boolean; why?: string } {
    return this.bucket.state;
  }

  /**
   * @param bearer the `Authorization` header, or the key alone
   * @returns `undefined` for no key, a wrong one, one that was revoked or has expired
   */
  authenticate(bearer: string | undefined, nowMs = Date.now()): Principal | undefined {
    if (bearer === undefined) return undefined;
    const text = bareKey(bearer);
    const hash = hashOfKeyText(text);
    if (this.adminHash && timingSafeEqual(hash, this.adminHash)) return ADMIN;
    const known = this.keys.get(idOfKeyText(text) ?? '');
    return known && timingSafeEqual(hash, known.hash) && nowMs < known.expiresAtMs ? known.principal : undefined;
  }

  get(id: string): KeyRecord | undefined {
    return this.keys.get(id)?.record;
  }

  *all(): IterableIterator<KeyRecord> {
    for (const { record } of this.keys.values()) yield record;
  }

  close(): void {
    this.bucket.close();
  }
}
