import type { Logger } from '@spillway/telemetry';
import type { BucketKeys } from './bucket-keys.ts';
import type { Broker } from './broker.ts';
import { isPassing } from './errors.ts';
import { Remover } from './purge.ts';

/** What removed keys leave behind, a message each: purged, or the many that come and go would fill the bucket. */
export class RemovedKeys {
  private readonly remover: Remover;
  /** The removal that was stored last: the server needs the newest message of a bucket, a watch that begins is measured by it. */
  private last: { key: string; revision: number } | undefined;

  constructor(
    broker: Broker,
    private readonly keys: BucketKeys,
    private readonly log: Logger,
  ) {
    this.remover = Remover.of(broker);
  }

  /** @param revision of the removal */
  add(key: string, revision: number): void {
    const before = this.last;
    this.last = { key, revision };
    if (!before) return;
    this.remover.purge(`KV_${this.keys.bucket}`, { filter: this.keys.subjectOf(before.key), seq: before.revision + 1 }).catch((error: unknown) => {
      if (!isPassing(error)) this.log.warn({ err: error, key: before.key }, 'what is left of a removed key was not purged');
    });
  }
}
