import { RevisionConflict, type Entry, type WatchedBucket } from '@spillway/jetstream';
import { JOB_PREFIX, jobKey, readJob, type Job } from './job.ts';

export type HeldJob = { job: Job; revision: number };

/** Finished ones are kept for a week, for people to look at. */
const KEPT_MS = 7 * 86_400_000;

/** Operators' long tasks, in bucket `webhook_control`. Throws PublishRefused (the bucket is full), BrokerAway, OutcomeUnknown (perhaps done). */
export class JobStore {
  constructor(private readonly bucket: WatchedBucket) {}

  get state(): { ready: boolean; why?: string } {
    return this.bucket.state;
  }

  /** The same id again is the job that there is. */
  async create(job: Job): Promise<Job> {
    try {
      await this.bucket.caughtUp(await this.bucket.create(jobKey(job.id), JSON.stringify(job)));
      return job;
    } catch (error) {
      const there = error instanceof RevisionConflict ? await this.read(job.id) : undefined;
      if (!there) throw error;
      return there.job;
    }
  }

  get(id: string): Job | undefined {
    return held(this.bucket.get(jobKey(id)))?.job;
  }

  /** At the leader. */
  async read(id: string): Promise<HeldJob | undefined> {
    return held(await this.bucket.read(jobKey(id)));
  }

  /** @returns the new revision. @throws RevisionConflict when somebody else changed it: it was cancelled, or is worked elsewhere */
  async update({ job, revision }: HeldJob): Promise<number> {
    return this.bucket.update(jobKey(job.id), JSON.stringify(job), revision);
  }

  /** The oldest that is not finished. */
  nextToWork(): Job | undefined {
    const running = [...this.all()].filter(({ state }) => state === 'running');
    return running.toSorted((a, b) => (`${a.at} ${a.id}` < `${b.at} ${b.id}` ? -1 : 1))[0];
  }

  *all(): IterableIterator<Job> {
    for (const [, entry] of this.bucket.entries(JOB_PREFIX)) {
      const job = held(entry)?.job;
      if (job) yield job;
    }
  }

  /** One at a time: whoever works the jobs calls it now and then. */
  async removeOld(nowMs: number): Promise<void> {
    for (const { id, state, updatedAt } of this.all()) {
      if (state === 'running' || nowMs - Date.parse(updatedAt) < KEPT_MS) continue;
      await this.bucket.remove(jobKey(id));
      return;
    }
  }
}

const held = (entry: Entry | undefined): HeldJob | undefined => {
  const job = entry && readJob(entry.value);
  return entry && job ? { job, revision: entry.revision } : undefined;
};
