import { readSwitch, scopeOfSwitch, SWITCH_PREFIX, switchKey, type RetrySwitch, type SwitchScope } from '@spillway/contracts';
import { ChangedTooOften } from '@spillway/endpoints';
import { RevisionConflict, type Entry, type WatchedBucket } from '@spillway/jetstream';

export type SwitchChange = { before: RetrySwitch; after: RetrySwitch };

/** Each conflict means that somebody else got through, so a handful of operators never needs as many. */
const MAX_TRIES = 50;

const isEmpty = ({ suspended, throttled }: RetrySwitch): boolean => suspended === undefined && throttled === undefined;

/** The switches over later attempts, in bucket `webhook_control`: every retrier watches them. A switch that is off has no key. */
export class SwitchStore {
  constructor(private readonly bucket: WatchedBucket) {}

  get state(): { ready: boolean; why?: string } {
    return this.bucket.state;
  }

  *all(): IterableIterator<[SwitchScope, RetrySwitch]> {
    for (const [key, { value }] of this.bucket.entries(SWITCH_PREFIX)) {
      const scope = scopeOfSwitch(key);
      const held = readSwitch(value);
      if (scope && held) yield [scope, held];
    }
  }

  /**
   * Answers when this process's own watch has it: then every other's has it too, or is about to.
   * @param edit gets what stands there now, perhaps more than once; the same object back means: nothing to change
   * @throws PublishRefused (the bucket is full) | BrokerAway | OutcomeUnknown (perhaps done) | ChangedTooOften
   */
  async change(scope: SwitchScope, edit: (current: RetrySwitch) => RetrySwitch): Promise<SwitchChange> {
    const key = switchKey(scope);
    for (let tries = 0; tries < MAX_TRIES; tries += 1) {
      const found = await this.bucket.read(key);
      const before = (found && readSwitch(found.value)) ?? {};
      const after = edit(before);
      try {
        if (after !== before) await this.bucket.caughtUp(await this.write(key, after, found));
        return { before, after };
      } catch (error) {
        if (!(error instanceof RevisionConflict)) throw error;
      }
    }
    throw new ChangedTooOften(`${key} was changed by others ${MAX_TRIES} times in a row`);
  }

  private write(key: string, after: RetrySwitch, found: Entry | undefined): Promise<number> {
    if (found === undefined) return this.bucket.create(key, JSON.stringify(after));
    return isEmpty(after) ? this.bucket.remove(key, found.revision) : this.bucket.update(key, JSON.stringify(after), found.revision);
  }
}
