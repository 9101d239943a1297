import type { Logger } from '@spillway/telemetry';
import type { Broker } from './broker.ts';
import { BucketKeys } from './bucket-keys.ts';
import { isPassing, RevisionConflict } from './errors.ts';
import { RemovedKeys } from './removed-keys.ts';
import { suspectKey } from './suspect-key.ts';
import type { Marker } from './suspicion.ts';

/** A marker, and the revision under which it is stored. */
export type Stored = { marker: Marker; revision: number };

const BUCKET = 'webhook_leases';
const REPEAT_MS = 250;

/** The markers of suspects, as keys. A write is repeated until it is known to be done, because a marker that was stored without our knowing would count as a crash. */
export class SuspectMarkers {
  private readonly keys: BucketKeys;
  private readonly removed: RemovedKeys;

  constructor(
    broker: Broker,
    private readonly app: string,
    /** Whose word it is, for people; and with the time in it no two words are the same. */
    private readonly by: string,
    log: Logger,
  ) {
    this.keys = new BucketKeys(broker, BUCKET);
    this.removed = new RemovedKeys(broker, this.keys, log);
  }

  async read(origin: string): Promise<Stored | undefined> {
    const entry = await this.keys.read(suspectKey(this.app, origin));
    return entry && { marker: JSON.parse(entry.value) as Marker, revision: entry.revision };
  }

  /**
   * @param revision of the marker that it replaces; 0 for none
   * @param wanted asked before each repetition
   * @returns the new revision; nothing when somebody else wrote in between, or it is wanted no more
   * @throws InfrastructureError that does not pass by itself
   */
  async write(origin: string, marker: Marker, revision: number, wanted: () => boolean): Promise<number | undefined> {
    const key = suspectKey(this.app, origin);
    const value = JSON.stringify({ ...marker, by: this.by, at: new Date().toISOString() });
    for (; wanted(); await pause()) {
      try {
        return await (revision === 0 ? this.keys.create(key, value) : this.keys.update(key, value, revision));
      } catch (error) {
        if (error instanceof RevisionConflict) return this.revisionOfOurs(key, value);
        if (!isPassing(error)) throw error;
      }
    }
    return undefined;
  }

  /** It ended well. What somebody else wrote since stays. */
  async remove(origin: string, revision: number, wanted: () => boolean): Promise<void> {
    const key = suspectKey(this.app, origin);
    for (; wanted(); await pause()) {
      try {
        return this.removed.add(key, await this.keys.remove(key, revision));
      } catch (error) {
        if (error instanceof RevisionConflict) return undefined;
        if (!isPassing(error)) throw error;
      }
    }
    return undefined;
  }

  /** An answer that was lost: then what lies there is ours. */
  private async revisionOfOurs(key: string, value: string): Promise<number | undefined> {
    const entry = await this.keys.read(key);
    return entry?.value === value ? entry.revision : undefined;
  }
}

const pause = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, REPEAT_MS));
