import { Controller, Delete, Get, Param } from '@nestjs/common';
import { reaches, WHOLE_PLANE, type Principal } from '@spillway/keys';
import { RevisionConflict } from '@spillway/jetstream';
import { By } from '../access/access.guard.ts';
import { NeedsKey } from '../access/needs.ts';
import { unknown } from '../problems.ts';
import type { Job } from './job.ts';
import { JobStore } from './job-store.ts';

/** Where it stands in the stream is nobody's business but the worker's. */
export type JobView = Omit<Job, 'upTo' | 'next'>;

const viewOf = ({ upTo: _upTo, next: _next, ...view }: Job): JobView => view;

@Controller('v1/jobs')
export class JobsController {
  constructor(private readonly jobs: JobStore) {}

  @Get(':id')
  @NeedsKey('dead:replay', 'status:read')
  async show(@Param('id') id: string, @By() by: Principal): Promise<JobView> {
    return viewOf(await this.found(id, by));
  }

  /** It stops after the slice in hand; what was replayed stays so. */
  @Delete(':id')
  @NeedsKey('dead:replay')
  async cancel(@Param('id') id: string, @By() by: Principal): Promise<JobView> {
    for (;;) {
      await this.found(id, by);
      const held = await this.jobs.read(id);
      if (!held) throw unknown('unknown_job', `no job ${id}`);
      if (held.job.state !== 'running') return viewOf(held.job);
      const job: Job = { ...held.job, state: 'cancelled', updatedAt: new Date().toISOString() };
      try {
        await this.jobs.update({ job, revision: held.revision });
        return viewOf(job);
      } catch (error) {
        if (!(error instanceof RevisionConflict)) throw error; // its worker was faster: look again
      }
    }
  }

  private async found(id: string, by: Principal): Promise<Job> {
    const held = /^job_[\w-]{22}$/.test(id) ? await this.jobs.read(id) : undefined;
    // who asked for it sees it, and who may see the whole plane
    if (!held || !(reaches(by, WHOLE_PLANE) || held.job.by === by.id || (held.job.filters.tenant !== undefined && reaches(by, held.job.filters.tenant)))) {
      throw unknown('unknown_job', `no job ${id}`);
    }
    return held.job;
  }
}
