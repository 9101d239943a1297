import type { EndpointRegistry } from '@spillway/endpoints';
import { InfrastructureError, type WatchedBucket } from '@spillway/jetstream';
import type { Logger } from '@spillway/telemetry';
import { HEAD_PREFIX } from './head.ts';

const SWEEP_EVERY_MS = 5_000;

export type DeletedHeadsOptions = { leases: Pick<WatchedBucket, 'entries' | 'remove' | 'state'>; registry: Pick<EndpointRegistry, 'get'>; log: Logger };

/** Removes the keys of heads whose endpoint was deleted: nobody attempts those any more, so nobody else would. Whichever dispatcher comes first; by revision, so twice is harmless. */
export class DeletedHeads {
  private readonly timer: NodeJS.Timeout;
  private sweeping = false;

  constructor(private readonly options: DeletedHeadsOptions) {
    this.timer = setInterval(() => void this.sweep(), SWEEP_EVERY_MS);
  }

  close(): void {
    clearInterval(this.timer);
  }

  private async sweep(): Promise<void> {
    const { leases, registry, log } = this.options;
    if (this.sweeping || !leases.state.ready) return;
    this.sweeping = true;
    try {
      const litter = [...leases.entries(HEAD_PREFIX)].filter(([key]) => registry.get(key.slice(HEAD_PREFIX.length))?.state === 'deleted');
      for (const [key, { revision }] of litter) await leases.remove(key, revision);
      if (litter.length > 0) log.info({ removed: litter.length }, 'removed the keys of deleted endpoints’ heads');
    } catch (error) {
      // another replica was quicker, or the broker is away: the next sweep looks again
      if (!(error instanceof InfrastructureError)) log.error({ err: error }, 'keys of deleted endpoints’ heads were not removed');
    } finally {
      this.sweeping = false;
    }
  }
}
