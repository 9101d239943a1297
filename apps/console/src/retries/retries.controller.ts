import { Body, Controller, Get, HttpCode, Post, UseGuards } from '@nestjs/common';
import type { RetrySwitch, SwitchScope } from '@spillway/contracts';
import { EndpointRegistry, type EndpointRecord } from '@spillway/endpoints';
import { reaches, WHOLE_PLANE, type Principal } from '@spillway/keys';
import { assertActsFor, By } from '../access/access.guard.ts';
import { NeedsKey } from '../access/needs.ts';
import { RegistryReady } from '../access/ready.guard.ts';
import { FactLog } from '../facts/fact-log.ts';
import { BodyOf } from '../input/body-of.ts';
import { notReady, unknown, wrongTenant } from '../problems.ts';
import { RetryScopeDto, ThrottleDto } from './retries.dto.ts';
import { resumed, suspended, SYSTEM_TENANT, switchFacts, throttled } from './switch-changes.ts';
import { SwitchStore } from './switch-store.ts';
import { WaitingRetriesOf, type WaitingRetries } from './waiting-retries.ts';

type Scope = { tenant?: string; endpoint?: string };
export type SwitchView = Scope & RetrySwitch;
export type RetriesView = {
  suspended: (Scope & { by: string; at: string })[];
  throttled: (Scope & { perSecond: number; by: string; at: string })[];
} & ({ [K in keyof WaitingRetries]: WaitingRetries[K] | null });

/** Suspending, resuming and throttling of second and later attempts; first ones are never touched. */
@UseGuards(RegistryReady)
@Controller('v1/retries')
export class RetriesController {
  constructor(
    private readonly registry: EndpointRegistry,
    private readonly switches: SwitchStore,
    private readonly waiting: WaitingRetriesOf,
    private readonly facts: FactLog,
  ) {}

  @Post('suspend')
  @HttpCode(200)
  @NeedsKey('retries:control')
  suspend(@Body(new BodyOf(RetryScopeDto)) dto: RetryScopeDto, @By() by: Principal): Promise<SwitchView> {
    const at = new Date().toISOString();
    return this.turn(dto, by, at, suspended(by.id, at));
  }

  @Post('resume')
  @HttpCode(200)
  @NeedsKey('retries:control')
  resume(@Body(new BodyOf(RetryScopeDto)) dto: RetryScopeDto, @By() by: Principal): Promise<SwitchView> {
    return this.turn(dto, by, new Date().toISOString(), resumed);
  }

  @Post('throttle')
  @HttpCode(200)
  @NeedsKey('retries:control')
  throttle(@Body(new BodyOf(ThrottleDto)) dto: ThrottleDto, @By() by: Principal): Promise<SwitchView> {
    const at = new Date().toISOString();
    return this.turn(dto, by, at, throttled(dto.perSecond, by.id, at));
  }

  /** A tenant's own key sees the switches that hold for it; what waits is counted over all tenants, and is not its to see. */
  @Get()
  @NeedsKey('retries:control', 'status:read')
  async show(@By() by: Principal): Promise<RetriesView> {
    if (!this.switches.state.ready) throw notReady(this.switches.state.why);
    const counted = reaches(by, WHOLE_PLANE) ? await this.waiting.read() : { waiting: null, overdue: null, calendar: null, parked: null };
    const visible = [...this.switches.all()].map(([scope, value]) => [this.named(scope), value] as const).filter(([{ tenant }]) => tenant === undefined || reaches(by, tenant));
    return {
      suspended: visible.flatMap(([scope, value]) => (value.suspended ? [{ ...scope, ...value.suspended }] : [])),
      throttled: visible.flatMap(([scope, value]) => (value.throttled ? [{ ...scope, ...value.throttled }] : [])),
      ...counted,
    };
  }

  private async turn(asked: RetryScopeDto, by: Principal, at: string, edit: (current: RetrySwitch) => RetrySwitch): Promise<SwitchView> {
    const scope = this.permitted(asked, by);
    const change = await this.switches.change(scope, edit);
    await this.facts.tell(scope.tenant ?? SYSTEM_TENANT, switchFacts(scope, change, by.id, at));
    return { ...scope, ...change.after };
  }

  /** @throws ProblemError 403 | 404 */
  private permitted({ tenant, endpoint }: RetryScopeDto, by: Principal): Scope {
    if (tenant !== undefined) assertActsFor(by, tenant);
    if (endpoint !== undefined) return this.ofEndpoint(tenant, endpoint, by);
    if (tenant === undefined) {
      if (!reaches(by, WHOLE_PLANE)) throw wrongTenant('the whole plane: name the tenant');
      return {};
    }
    // a tenant that nobody knows is a slip of the pen, and would suspend nothing
    if (this.registry.tenant(tenant) === undefined) throw unknown('unknown_tenant', `no tenant ${tenant}`);
    return { tenant };
  }

  /** A deleted one too: its switch is still to be turned off. */
  private ofEndpoint(tenant: string | undefined, endpoint: string, by: Principal): Scope {
    const record: EndpointRecord | undefined = (tenant === undefined ? undefined : this.registry.find(tenant, endpoint)) ?? this.registry.get(endpoint);
    const theirs = record !== undefined && reaches(by, record.tenant) && (tenant === undefined || record.tenant === tenant);
    if (!theirs) throw unknown('unknown_endpoint', `no endpoint ${endpoint}${tenant === undefined ? '' : ` of tenant ${tenant}`}`);
    return { tenant: record.tenant, endpoint: record.id };
  }

  /** An endpoint's key names no tenant: the record does. */
  private named({ tenant, endpoint }: SwitchScope): Scope {
    const owner = endpoint === undefined ? tenant : this.registry.get(endpoint)?.tenant;
    return { ...(owner === undefined ? {} : { tenant: owner }), ...(endpoint === undefined ? {} : { endpoint }) };
  }
}
