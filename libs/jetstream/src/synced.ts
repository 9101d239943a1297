import type { Logger } from '@spillway/telemetry';
import { InfrastructureError } from './errors.ts';
import { readMonitor } from './monitor.ts';

export type SyncedOptions = {
  /** `http://host:port`, several by comma: each server of a cluster syncs for itself. */
  monitorUrl: string;
  allowUnsynced: boolean;
  log: Pick<Logger, 'warn'>;
};

/** What was found, for /readyz and metrics; `stop` ends the warnings. */
export type SyncState = { readonly synced: boolean; readonly detail: string; stop(): void };

/** `sync_interval: always` shows as `sync_always: true` beside the default interval (2.15.1); anything else as the interval alone, in nanoseconds. */
type Jsz = { disabled?: boolean; config?: { sync_always?: boolean; sync_interval?: number } };

/** The broker would acknowledge messages that are not on disk, or does not say. */
export class Unsynced extends InfrastructureError {
  constructor(what: string, remediation: string, options?: ErrorOptions) {
    super('SPILLWAY_UNSYNCED', what, remediation, options);
  }
}

const WARN_EVERY_MS = 60_000;
const SET_ALWAYS = 'Set sync_interval: always in the jetstream block of the broker’s configuration and restart it; SPILLWAY_ALLOW_UNSYNCED=true accepts that a power cut loses acknowledged events.';

/**
 * `202` promises that an event is on disk, and the broker keeps that promise only under `sync_interval: always` (its default syncs every two minutes).
 * @throws Unsynced unless it does so, or `allowUnsynced`: then it warns now and every minute
 */
export const assertSynced = async ({ monitorUrl, allowUnsynced, log }: SyncedOptions): Promise<SyncState> => {
  const faults: Unsynced[] = [];
  for (const url of monitorUrl.split(',')) {
    const fault = await faultOf(url.trim());
    if (fault) faults.push(fault);
  }
  const [first] = faults;
  if (!first) return { synced: true, detail: 'sync_interval: always', stop: () => undefined };
  if (!allowUnsynced) throw first;
  const detail = faults.map(({ message }) => message).join('; ');
  const warn = (): void => log.warn({ code: first.code }, `ACKNOWLEDGED EVENTS MAY BE LOST in a power cut: ${detail} (allowed by SPILLWAY_ALLOW_UNSYNCED)`);
  warn();
  const repeating = setInterval(warn, WARN_EVERY_MS);
  repeating.unref();
  return { synced: false, detail, stop: () => clearInterval(repeating) };
};

const faultOf = async (url: string): Promise<Unsynced | undefined> => {
  try {
    const { disabled, config } = await readMonitor<Jsz>(url, '/jsz?config=1');
    if (config?.sync_always === true) return undefined;
    if (disabled === true || config === undefined) return new Unsynced(`the broker at ${url} has no JetStream`, 'Enable JetStream in its configuration.');
    return new Unsynced(`the broker at ${url} syncs to disk every ${(config.sync_interval ?? 0) / 1e9} s, not before it acknowledges`, SET_ALWAYS);
  } catch (error) {
    return new Unsynced(
      `the broker’s monitoring port ${url} does not say whether it syncs to disk: ${(error as Error).message}`,
      'Set NATS_MONITOR_URL to its monitoring port (http: in its configuration), reachable from here.',
      { cause: error },
    );
  }
};
