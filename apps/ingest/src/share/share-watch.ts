import { isPassing, type Broker } from '@spillway/jetstream';
import type { Logger } from '@spillway/telemetry';
import { listIngest } from './ingest-listing.ts';
import type { TenantShares } from './tenant-shares.ts';

/** A tenant whose events were routed may send again that soon. */
const EVERY_MS = 500;
/** With many thousands of tenants waiting, listing them takes the broker a while: it gets nine times as long for everything else. */
const LEISURE = 9;

/** Keeps the shares counted. The first count is waited for: without it nobody knows who has used up his share already. */
export const watchShares = async (broker: Broker, shares: TenantShares, log: Pick<Logger, 'warn'>): Promise<{ stop(): void }> => {
  let stopped = false;
  let timer: NodeJS.Timeout | undefined;
  const count = async (): Promise<void> => {
    shares.asking();
    shares.count(await listIngest(broker));
  };
  const again = async (): Promise<void> => {
    const startedAt = performance.now();
    try {
      await count();
    } catch (error) {
      // what was counted stands, and what is sent is added; a broker that is away stores nothing anyway
      if (!isPassing(error)) log.warn({ err: error }, 'what waits in INGEST could not be counted');
    }
    if (!stopped) later(Math.max(EVERY_MS, LEISURE * (performance.now() - startedAt)));
  };
  const later = (ms: number): void => {
    timer = setTimeout(() => void again(), ms);
    timer.unref();
  };
  try {
    await count();
  } catch (error) {
    if (!isPassing(error)) throw error;
  }
  later(EVERY_MS);
  return {
    stop: () => {
      stopped = true;
      clearTimeout(timer);
    },
  };
};
