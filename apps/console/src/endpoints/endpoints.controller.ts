import { Body, Controller, Delete, Get, HttpCode, Param, Patch, Post, Query, UseGuards } from '@nestjs/common';
import { EndpointRegistry, EndpointStore, type EndpointRecord } from '@spillway/endpoints';
import type { Principal } from '@spillway/keys';
import { By } from '../access/access.guard.ts';
import { NeedsForTenant } from '../access/needs.ts';
import { RegistryReady } from '../access/ready.guard.ts';
import { ConsoleRules } from '../console.rules.ts';
import { changeFacts, createdFact, deletedFact } from '../facts/change-facts.ts';
import { FactLog } from '../facts/fact-log.ts';
import { BodyOf } from '../input/body-of.ts';
import { endpointChangeNotYet, endpointNotYet } from '../input/not-yet.ts';
import { byCreation, pageOf, pageQuery, type Page } from '../input/paging.ts';
import { endpointDisabled, unknown } from '../problems.ts';
import { changed, changedFields, draftOf } from './endpoint-change.ts';
import { permittedHeaders, permittedSecret, permittedUrl } from './endpoint-rules.ts';
import { ChangeEndpointDto, CreateEndpointDto } from './endpoint.dto.ts';
import { endpointView, type EndpointView } from './endpoint.view.ts';
import { LearntByOwners } from './learnt-by-owners.ts';
import { ParkedCounts } from './parked-counts.ts';
import { TestEvents } from './test-events.ts';

/** `{id}` in a path is the endpoint's id or its `uid`. */
@UseGuards(RegistryReady)
@Controller('v1/tenants/:tenant/endpoints')
export class EndpointsController {
  constructor(
    private readonly registry: EndpointRegistry,
    private readonly store: EndpointStore,
    private readonly facts: FactLog,
    private readonly rules: ConsoleRules,
    private readonly parked: ParkedCounts,
    private readonly learnt: LearntByOwners,
    private readonly tests: TestEvents,
  ) {}

  @Post()
  @NeedsForTenant('endpoints:write')
  async create(@Param('tenant') tenant: string, @Body(new BodyOf(CreateEndpointDto, endpointNotYet)) dto: CreateEndpointDto, @By() by: Principal): Promise<EndpointView & { secret: string }> {
    permittedUrl(dto.url, this.rules.urls);
    permittedHeaders(dto.headers ?? {});
    const secret = permittedSecret(dto.secret);
    const record = await this.store.create(tenant, draftOf(dto), secret);
    await this.facts.tell(tenant, [createdFact(record, by.id, record.createdAt)]);
    return { ...endpointView(record, 0, []), secret };
  }

  @Get()
  @NeedsForTenant('endpoints:read', 'endpoints:write')
  async list(@Param('tenant') tenant: string, @Query() query: Record<string, unknown>): Promise<Page<EndpointView>> {
    const wanted = pageQuery(query);
    const parked = await this.parked.all();
    const { items, ...page } = pageOf(this.registry.endpointsOf(tenant), byCreation, (record) => record, wanted);
    const learnt = await this.learnt.of(items.map(({ id }) => id));
    return { ...page, items: items.map((record) => endpointView(record, parked === undefined ? null : (parked.get(record.id) ?? 0), learnt.get(record.id))) };
  }

  @Get(':id')
  @NeedsForTenant('endpoints:read', 'endpoints:write')
  get(@Param('tenant') tenant: string, @Param('id') id: string): Promise<EndpointView> {
    return this.shown(this.found(tenant, id));
  }

  @Patch(':id')
  @NeedsForTenant('endpoints:write')
  async change(
    @Param('tenant') tenant: string,
    @Param('id') id: string,
    @Body(new BodyOf(ChangeEndpointDto, endpointChangeNotYet)) dto: ChangeEndpointDto,
    @By() by: Principal,
  ): Promise<EndpointView> {
    const { id: endpoint } = this.found(tenant, id);
    if (dto.url !== undefined) permittedUrl(dto.url, this.rules.urls);
    if (dto.headers) permittedHeaders(dto.headers);
    const at = new Date().toISOString();
    const { before, after } = await this.store.change(tenant, endpoint, (current) => changed(current, dto, at));
    await this.facts.tell(tenant, changeFacts(before, after, changedFields(before, dto), by.id, at));
    return this.shown(after);
  }

  @Delete(':id')
  @HttpCode(204)
  @NeedsForTenant('endpoints:write')
  async remove(@Param('tenant') tenant: string, @Param('id') id: string, @By() by: Principal): Promise<void> {
    const removed = await this.store.remove(tenant, this.found(tenant, id).id);
    await this.facts.tell(tenant, [deletedFact(removed, by.id, new Date().toISOString())]);
  }

  /** Who can read it can sign in our name: so it asks for the right to write. */
  @Get(':id/secret')
  @NeedsForTenant('endpoints:write')
  secret(@Param('tenant') tenant: string, @Param('id') id: string): { secret: string } {
    return { secret: this.registry.secretTextsOf(this.found(tenant, id))[0] as string };
  }

  /** An event of type `webhook.test` for this endpoint alone. */
  @Post(':id/test')
  @HttpCode(202)
  @NeedsForTenant('endpoints:write')
  async test(@Param('tenant') tenant: string, @Param('id') id: string): Promise<{ id: string }> {
    const record = this.found(tenant, id);
    if (!record.enabled) throw endpointDisabled(record.id);
    return { id: await this.tests.send(record, new Date()) };
  }

  private async shown(record: EndpointRecord): Promise<EndpointView> {
    const [parked, learnt] = await Promise.all([this.parked.of(record.id), this.learnt.of([record.id])]);
    return endpointView(record, parked, learnt.get(record.id));
  }

  private found(tenant: string, id: string): EndpointRecord {
    const record = this.registry.find(tenant, id);
    if (record === undefined) throw unknown('unknown_endpoint', `tenant ${tenant} has no endpoint ${id}`);
    return record;
  }
}
