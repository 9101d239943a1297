import { Body, Controller, Delete, Get, HttpCode, Param, Post, Query, Res } from '@nestjs/common';
import type { DedupeRule, FactOf } from '@spillway/contracts';
import { reaches, type Principal } from '@spillway/keys';
import { ProblemError } from '@spillway/service-kit';
import type { FastifyReply } from 'fastify';
import { assertActsFor, By } from '../access/access.guard.ts';
import { NeedsKey } from '../access/needs.ts';
import { FactLog } from '../facts/fact-log.ts';
import { BodyOf } from '../input/body-of.ts';
import { byCreation, pageOf, pageQuery, type Page } from '../input/paging.ts';
import { notReady } from '../problems.ts';
import { CreateDedupeRuleDto } from './dedupe-rule.dto.ts';
import { DedupeRules } from './dedupe-rules.ts';

/** `inForce`: whether dedupe can go by it now; null while no dedupe has said what it has behind it. */
export type DedupeRuleView = DedupeRule & { inForce: boolean | null };

/** Far more than a tenant has types that misbehave; every dedupe holds all of them in memory. */
const RULES_OF_A_TENANT_MAX = 200;

const withoutRedis = (): ProblemError =>
  new ProblemError(409, 'dedupe_without_redis', 'dedupe runs without Redis: it knows ids for minutes and no contents, so a rule by content would have no effect', {
    remediation: 'Give dedupe a Redis of 7.0 or newer (SPILLWAY_DEDUPE_REDIS_URL), then make the rule.',
  });

/** What is dropped by content, of which tenant and type. A key of one tenant sees and makes its own tenant's only. */
@Controller('v1/dedupe/rules')
export class DedupeRulesController {
  constructor(
    private readonly rules: DedupeRules,
    private readonly facts: FactLog,
  ) {}

  /** Again for the same tenant and type: replaces the rule. */
  @Post()
  @NeedsKey('dedupe:write')
  async create(@Body(new BodyOf(CreateDedupeRuleDto)) { tenant, type, ignore, windowSeconds }: CreateDedupeRuleDto, @By() by: Principal, @Res({ passthrough: true }) reply: FastifyReply): Promise<DedupeRuleView> {
    assertActsFor(by, tenant);
    this.assertReady();
    if (this.rules.index?.contentRules === false) throw withoutRedis();
    const replaces = this.rules.of(tenant, type);
    if (!replaces) this.assertRoom(tenant);
    const rule = await this.rules.put({ tenant, type, ignore: ignore ?? [], windowSeconds }, new Date().toISOString());
    await this.facts.tell(tenant, [fact('dedupe.rule_set', rule, by)]);
    void reply.status(replaces ? 200 : 201);
    return this.view(rule);
  }

  @Get()
  @NeedsKey('dedupe:write', 'status:read')
  list(@Query() query: Record<string, unknown>, @By() by: Principal): Page<DedupeRuleView> {
    this.assertReady();
    const visible = [...this.rules.all()].filter(({ tenant }) => reaches(by, tenant));
    return pageOf(visible, byCreation, (rule) => this.view(rule), pageQuery(query));
  }

  @Get(':id')
  @NeedsKey('dedupe:write', 'status:read')
  get(@Param('id') id: string, @By() by: Principal): DedupeRuleView {
    return this.view(this.found(id, by));
  }

  @Delete(':id')
  @HttpCode(204)
  @NeedsKey('dedupe:write')
  async remove(@Param('id') id: string, @By() by: Principal): Promise<void> {
    const rule = this.found(id, by);
    assertActsFor(by, rule.tenant);
    await this.rules.remove(rule);
    await this.facts.tell(rule.tenant, [fact('dedupe.rule_removed', rule, by)]);
  }

  /** Another tenant's rule is as unknown as one that never was. */
  private found(id: string, by: Principal): DedupeRule {
    this.assertReady();
    const rule = this.rules.find(id);
    if (rule === undefined || !reaches(by, rule.tenant)) throw new ProblemError(404, 'unknown_dedupe_rule', `no dedupe rule ${id}`);
    return rule;
  }

  private assertReady(): void {
    if (!this.rules.state.ready) throw notReady(this.rules.state.why);
  }

  private assertRoom(tenant: string): void {
    const count = [...this.rules.all()].filter((rule) => rule.tenant === tenant).length;
    if (count >= RULES_OF_A_TENANT_MAX) throw new ProblemError(422, 'too_many_dedupe_rules', `tenant ${tenant} has ${count} rules already: use wildcards in their types`);
  }

  private view(rule: DedupeRule): DedupeRuleView {
    const { index } = this.rules;
    return { ...rule, inForce: index === undefined ? null : index.contentRules && index.state === 'ok' };
  }
}

const fact = <T extends 'dedupe.rule_set' | 'dedupe.rule_removed'>(type: T, { id, tenant, type: eventType, ignore, windowSeconds }: DedupeRule, by: Principal): FactOf<T> =>
  ({ v: 1, type, at: new Date().toISOString(), tenant, rule: id, eventType, ignore, windowSeconds, by: by.id }) as FactOf<T>;
