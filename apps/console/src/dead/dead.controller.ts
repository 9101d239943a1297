import { Body, Controller, Get, HttpCode, Param, Post, Query, UseGuards } from '@nestjs/common';
import { derivedJobId, newJobId } from '@spillway/contracts';
import { EndpointRegistry } from '@spillway/endpoints';
import { reaches, WHOLE_PLANE, type Principal } from '@spillway/keys';
import { assertActsFor, By } from '../access/access.guard.ts';
import { NeedsKey } from '../access/needs.ts';
import { RegistryReady } from '../access/ready.guard.ts';
import { BodyOf } from '../input/body-of.ts';
import { cursorOf, pageQuery, type Page } from '../input/paging.ts';
import type { Job } from '../jobs/job.ts';
import { JobStore } from '../jobs/job-store.ts';
import { invalid, notReady, searchTooLong, unknown, wrongTenant } from '../problems.ts';
import type { DeadFilters } from './dead-filters.ts';
import type { DeadLetter } from './dead-letter.ts';
import { DeadLetters, type Found } from './dead-letters.ts';
import { DeadEnd } from './dead-end.ts';
import { DeadFiltersDto } from './dead.dto.ts';

/** Exactly the text that receivers would have got. */
export type WholeDeadLetter = DeadLetter & { body: string };

const filtersOf = new BodyOf(DeadFiltersDto);

/** What was given up, read from WEBHOOK_DEAD itself, the oldest first; and sent once more. */
@UseGuards(RegistryReady)
@Controller('v1/dead')
export class DeadController {
  constructor(
    private readonly registry: EndpointRegistry,
    private readonly letters: DeadLetters,
    private readonly end: DeadEnd,
    private readonly jobs: JobStore,
  ) {}

  @Get()
  @NeedsKey('dead:replay', 'events:read')
  async list(@Query() query: Record<string, unknown>, @By() by: Principal): Promise<Page<DeadLetter>> {
    const { limit, cursor, ...rest } = query;
    const wanted = pageQuery({ ...(limit === undefined ? {} : { limit }), ...(cursor === undefined ? {} : { cursor }) });
    const from = Number(wanted.after ?? 1);
    if (!Number.isSafeInteger(from) || from < 1) throw invalid([{ field: 'cursor', wanted: 'the `next` of an earlier answer' }]);
    const { items, next } = await this.letters.page(this.permitted(filtersOf.transform(rest), by), wanted.limit, from);
    return { items, next: next === undefined ? null : cursorOf(String(next)), behindMs: 0 };
  }

  @Get(':id')
  @NeedsKey('dead:replay', 'events:read')
  async show(@Param('id') id: string, @By() by: Principal): Promise<WholeDeadLetter> {
    const { letter, message } = await this.found(id, by);
    return { ...letter, body: Buffer.from(message.data).toString('utf8') };
  }

  /** All that is meant and dead by now. */
  @Post('replay')
  @HttpCode(202)
  @NeedsKey('dead:replay')
  async replayAll(@Body(filtersOf) dto: DeadFiltersDto, @By() by: Principal): Promise<{ job: string }> {
    const filters = this.permitted(dto, by);
    return this.start({ id: newJobId(), filters, next: 1, upTo: await this.end.sequence() }, by);
  }

  /** Asked for twice it is the same job, until the letter is gone. */
  @Post(':id/replay')
  @HttpCode(202)
  @NeedsKey('dead:replay')
  async replay(@Param('id') id: string, @By() by: Principal): Promise<{ job: string }> {
    const { message } = await this.found(id, by);
    const { sequence } = message;
    return this.start({ id: derivedJobId(id, String(sequence), String(message.storedAtMs)), filters: {}, letter: id, next: sequence, upTo: sequence }, by);
  }

  private async start(what: Pick<Job, 'id' | 'filters' | 'letter' | 'next' | 'upTo'>, by: Principal): Promise<{ job: string }> {
    if (!this.jobs.state.ready) throw notReady(this.jobs.state.why);
    const at = new Date().toISOString();
    const { id } = await this.jobs.create({ ...what, kind: 'dead.replay', by: by.id, at, state: 'running', counts: { looked: 0, meant: 0, replayed: 0, skipped: 0 }, updatedAt: at });
    return { job: id };
  }

  private async found(id: string, by: Principal): Promise<Found> {
    const found = await this.letters.find(id, this.permitted({}, by));
    if (found === 'too_long') throw searchTooLong(id);
    if (found === 'unknown') throw unknown('unknown_dead_letter', `no dead letter ${id}`);
    return found;
  }

  /** A tenant's own key reaches what its endpoints have caused; what died in the pipeline is the plane's. @throws ProblemError 403 */
  private permitted(filters: DeadFilters, by: Principal): DeadFilters {
    if (filters.tenant !== undefined) assertActsFor(by, filters.tenant);
    const own = reaches(by, WHOLE_PLANE) ? filters : { ...filters, by: 'endpoint' as const, ...(by.tenant === undefined ? {} : { tenant: by.tenant }) };
    if (own !== filters && filters.by === 'pipeline') throw wrongTenant('the pipeline’s dead letters');
    if (own.endpoint === undefined || own.tenant === undefined) return { ...own };
    return { ...own, endpoint: this.registry.find(own.tenant, own.endpoint)?.id ?? own.endpoint };
  }
}
