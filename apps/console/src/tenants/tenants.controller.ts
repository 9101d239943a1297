import { Body, Controller, Delete, Get, Param, Put, Query, UseGuards } from '@nestjs/common';
import { EndpointRegistry, EndpointStore, type TenantEntry, type TenantSettings } from '@spillway/endpoints';
import { reaches, type Principal } from '@spillway/keys';
import { By } from '../access/access.guard.ts';
import { NeedsForTenant, NeedsKey } from '../access/needs.ts';
import { RegistryReady } from '../access/ready.guard.ts';
import { deletedFact } from '../facts/change-facts.ts';
import { FactLog } from '../facts/fact-log.ts';
import { BodyOf } from '../input/body-of.ts';
import { tenantNotYet } from '../input/not-yet.ts';
import { pageOf, pageQuery, type Page } from '../input/paging.ts';
import { unknown } from '../problems.ts';
import { TenantSettingsDto } from './tenant.dto.ts';

export type TenantView = TenantSettings & { tenant: string; endpoints: number; createdAt: string; updatedAt: string };

const tenantView = ({ tenant, settings, endpoints, createdAt, updatedAt }: TenantEntry): TenantView => ({ tenant, ...settings, endpoints: endpoints.length, createdAt, updatedAt });

/** `null` is as good as absent: what is put replaces everything. */
const settingsOf = ({ maxEndpoints, ratePerSecond, share }: TenantSettingsDto): TenantSettings => ({
  ...(typeof maxEndpoints === 'number' ? { maxEndpoints } : {}),
  ...(typeof ratePerSecond === 'number' ? { ratePerSecond } : {}),
  ...(typeof share === 'number' ? { share } : {}),
});

const nameOf = ({ tenant }: TenantEntry): string => tenant;

/** A tenant needs no creation: its first endpoint makes it. What is put here are its settings. */
@UseGuards(RegistryReady)
@Controller('v1/tenants')
export class TenantsController {
  constructor(
    private readonly registry: EndpointRegistry,
    private readonly store: EndpointStore,
    private readonly facts: FactLog,
  ) {}

  @Get()
  @NeedsKey('tenants:write', 'status:read')
  list(@Query() query: Record<string, unknown>, @By() by: Principal): Page<TenantView> {
    const visible = [...this.registry.tenants()].filter(({ tenant, state }) => state === 'active' && reaches(by, tenant) && (by.admin || !tenant.startsWith('_')));
    return pageOf(visible, nameOf, tenantView, pageQuery(query));
  }

  @Get(':tenant')
  @NeedsForTenant('tenants:write', 'status:read')
  get(@Param('tenant') tenant: string): TenantView {
    return tenantView(this.found(tenant));
  }

  /** Replaces its settings whole. */
  @Put(':tenant')
  @NeedsForTenant('tenants:write')
  async put(@Param('tenant') tenant: string, @Body(new BodyOf(TenantSettingsDto, tenantNotYet)) settings: TenantSettingsDto): Promise<TenantView> {
    return tenantView(await this.store.putTenant(tenant, settingsOf(settings)));
  }

  /** Deletes its endpoints, and with each of them what waits for it. Bodies in the ledger stay until it forgets them: erasing comes with the history. */
  @Delete(':tenant')
  @NeedsForTenant('tenants:write')
  async remove(@Param('tenant') tenant: string, @By() by: Principal): Promise<{ tenant: string; endpointsDeleted: number; bodiesErased: false }> {
    this.found(tenant);
    const removed = await this.store.removeTenant(tenant);
    const at = new Date().toISOString();
    await this.facts.tell(
      tenant,
      removed.map((record) => deletedFact(record, by.id, at)),
    );
    return { tenant, endpointsDeleted: removed.length, bodiesErased: false };
  }

  private found(tenant: string): TenantEntry {
    const entry = this.registry.tenant(tenant);
    if (entry === undefined || entry.state === 'deleted') throw unknown('unknown_tenant', `no tenant ${tenant}: its first endpoint or PUT makes it`);
    return entry;
  }
}
