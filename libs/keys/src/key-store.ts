import type { WatchedBucket } from '@spillway/jetstream';
import { keyKey, type KeyRecord } from './key-record.ts';
import { hashOfKeyText, newKeyText } from './key-text.ts';

export type KeyDraft = Pick<KeyRecord, 'tenant' | 'scopes' | 'description' | 'expiresAt' | 'ratePerSecond'>;

/** Writes bucket `webhook_keys`; answers when this process's own ring has it too. Throws PublishRefused (the bucket is full), BrokerAway, OutcomeUnknown (perhaps done). */
export class KeyStore {
  constructor(private readonly bucket: WatchedBucket) {}

  /** @returns the record, and the key's text: nobody can ever read that again */
  async create(draft: KeyDraft, createdBy: string, now = new Date()): Promise<{ record: KeyRecord; text: string }> {
    const { id, text } = newKeyText();
    const record: KeyRecord = { ...draft, id, hash: hashOfKeyText(text).toString('hex'), createdAt: now.toISOString(), createdBy };
    await this.bucket.caughtUp(await this.bucket.create(keyKey(id), JSON.stringify(record)));
    return { record, text };
  }

  /** Revoked: gone. What is absent opens nothing. */
  async remove(id: string): Promise<void> {
    await this.bucket.caughtUp(await this.bucket.remove(keyKey(id)));
  }
}
