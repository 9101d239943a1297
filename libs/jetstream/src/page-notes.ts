import type { Logger } from '@spillway/telemetry';
import type { Broker } from './broker.ts';
import { BucketKeys } from './bucket-keys.ts';
import { isPassing, RevisionConflict } from './errors.ts';
import { pageKey } from './page-key.ts';
import { readNote, writeNote, type DonePlaces, type Noted } from './page-progress.ts';
import { Places } from './places.ts';
import { RemovedKeys } from './removed-keys.ts';

/** What was found of a page, and the revision under which it is stored; without `done`, nothing that can be believed. */
export type FoundNote = { done: DonePlaces | undefined; revision: number };

/** Of all pages in hand, some thousand at most: the leases are renewed in the same bucket, and must not wait for these. */
const WRITING_MAX = 8;

/** What is done of the pages that an app holds for long, as keys in `webhook_leases`: some 450 B each, of 2,500 events in hand 1,250 pages and half a MiB at most. */
export class PageNotes {
  private readonly keys: BucketKeys;
  private readonly removed: RemovedKeys;
  private readonly places = new Places(WRITING_MAX);
  /** Said once, not for each page every ten seconds. */
  private faultSaid = false;

  constructor(
    broker: Broker,
    private readonly app: string,
    private readonly by: string,
    private readonly log: Logger,
  ) {
    this.keys = new BucketKeys(broker, 'webhook_leases');
    this.removed = new RemovedKeys(broker, this.keys, log);
  }

  /** @throws InfrastructureError */
  async read(page: Noted, count: number): Promise<FoundNote | undefined> {
    const key = pageKey(this.app, page.origin);
    const entry = await this.keys.read(key);
    if (!entry) return undefined;
    const done = readNote(entry.value, page, count);
    if (!done) this.log.warn({ key, value: entry.value.slice(0, 500), origin: page.origin }, 'what is noted of a page is not of this page, and counts for nothing');
    return { done, revision: entry.revision };
  }

  /**
   * Once, and in vain where it cannot be: whoever has more to say of the page comes again.
   * @param done gets what somebody else has noted meanwhile
   * @param revision of the note that it replaces; 0 for none
   * @returns the new revision; nothing when it was not written, or not for certain
   */
  async write(page: Noted, done: DonePlaces, revision: number): Promise<number | undefined> {
    try {
      const written = await this.places.within(() => this.store(page, done, revision));
      this.faultSaid = false;
      return written;
    } catch (error) {
      if (!isPassing(error) && !(error instanceof RevisionConflict)) this.say(error, page);
      return undefined;
    }
  }

  /** The page is removed: nobody needs it any more, whoever wrote it. Never rejects: else it is swept. */
  async remove({ origin }: Noted): Promise<void> {
    const key = pageKey(this.app, origin);
    try {
      this.removed.add(key, await this.places.within(() => this.keys.remove(key)));
    } catch (error) {
      if (!isPassing(error)) this.log.warn({ err: error, key }, 'what was noted of a page was not removed');
    }
  }

  private async store(page: Noted, done: DonePlaces, revision: number): Promise<number> {
    try {
      return await this.put(page, done, revision);
    } catch (error) {
      if (!(error instanceof RevisionConflict)) throw error;
    }
    // another who was given the page, too, or we ourselves and the answer was lost
    const found = await this.read(page, done.count);
    if (found?.done) done.addAll(found.done);
    return this.put(page, done, found?.revision ?? 0);
  }

  private put(page: Noted, done: DonePlaces, revision: number): Promise<number> {
    const key = pageKey(this.app, page.origin);
    const value = writeNote(page, done, this.by, new Date());
    return revision === 0 ? this.keys.create(key, value) : this.keys.update(key, value, revision);
  }

  private say(error: unknown, { origin }: Noted): void {
    if (!this.faultSaid) this.log.warn({ err: error, origin }, 'what is done of a page could not be noted: should this process be killed, it may be delivered twice');
    this.faultSaid = true;
  }
}
