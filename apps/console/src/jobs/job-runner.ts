import { RevisionConflict, type Lease, type ShardWork } from '@spillway/jetstream';
import type { Logger } from '@spillway/telemetry';
import type { Job } from './job.ts';
import type { HeldJob, JobStore } from './job-store.ts';

/** One bounded slice of a job: from it to how far it has come. Says `stop` as soon as `mayAct` is false. */
export type JobSlice = (job: Job, mayAct: () => boolean) => Promise<Job | 'stop'>;

export type JobRunnerOptions = { store: JobStore; lease: Lease; slice: JobSlice; log: Logger };

const LOOK_EVERY_MS = 250;
const AFTER_A_FAULT_MS = 2_000;
const TIDY_EVERY_MS = 3_600_000;

/**
 * Works jobs one after the other, the oldest first, while this console holds the lease; so no dead letter is in two jobs' hands at once. After each slice how far
 * it has come is written, and whoever takes over goes on from there.
 */
export class JobRunner implements ShardWork {
  private working: Promise<void> | undefined;
  private gone = false;
  private lookAt = 0;
  private tidyAt = 0;

  constructor(private readonly options: JobRunnerOptions) {}

  get inHand(): number {
    return this.working ? 1 : 0;
  }

  tick(nowMs: number): void {
    const { store } = this.options;
    if (this.working || this.gone || nowMs < this.lookAt || !store.state.ready) return;
    this.lookAt = nowMs + LOOK_EVERY_MS;
    const next = store.nextToWork();
    if (next) this.begin(this.work(next.id));
    else if (nowMs >= this.tidyAt) {
      this.tidyAt = nowMs + TIDY_EVERY_MS;
      this.begin(store.removeOld(Date.now()));
    }
  }

  async drain(): Promise<void> {
    this.gone = true;
    await this.working;
  }

  abandon(): void {
    this.gone = true;
  }

  private readonly mayAct = (): boolean => !this.gone && this.options.lease.owned();

  private begin(work: Promise<void>): void {
    this.working = work
      .catch((error: unknown) => {
        this.lookAt = performance.now() + AFTER_A_FAULT_MS;
        // cancelled, or worked by somebody else: what is to be done stands in the record
        if (!(error instanceof RevisionConflict)) this.options.log.warn({ err: error }, 'a job does not get on, and is tried again');
      })
      .finally(() => {
        this.working = undefined;
      });
  }

  private async work(id: string): Promise<void> {
    const { store, slice, log } = this.options;
    const held: HeldJob | undefined = await store.read(id);
    if (!held) return;
    for (let { job, revision } = held; job.state === 'running' && this.mayAct(); ) {
      const next = await slice(job, this.mayAct);
      if (next === 'stop') return;
      job = { ...next, updatedAt: new Date().toISOString() };
      revision = await store.update({ job, revision });
      if (job.state === 'done') log.info({ job: job.id, counts: job.counts }, 'job done');
    }
  }
}
