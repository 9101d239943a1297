import type { Fact } from '@spillway/contracts';
import type { Outcome } from '@spillway/delivery';
import { RegistryRefusal, type EndpointRecord, type EndpointRegistry, type EndpointStore } from '@spillway/endpoints';
import type { Logger } from '@spillway/telemetry';
import { andFailed, noFindings, recordAfter, succeeded, type Findings } from './failing-state.ts';
import type { OperationalEvents } from './operational-events.ts';

export type EndpointLifeOptions = {
  app: string;
  registry: Pick<EndpointRegistry, 'get'>;
  store: Pick<EndpointStore, 'change'>;
  events: Pick<OperationalEvents, 'tell'>;
  record: (tenant: string, fact: Fact) => Promise<void>;
  log: Logger;
  now: () => Date;
};

/** An endpoint that fails and recovers by turns costs a write each time: not more often than this. What is found meanwhile is kept, and written then. */
const WRITE_EVERY_MS = 10_000;
const WRITES_IN_FLIGHT_MAX = 8;
const LOOK_EVERY_MS = 500;
/** Findings of more endpoints than any plane has; the oldest go, and come again with the next attempt. */
const KEPT_MAX = 50_000;

/**
 * What attempts say of their endpoints, written into the records by revision: since when one fails, that it is well again, that it is gone; and told to who wants
 * to know. Both apps do it, each from its own attempts, and agree by the record. Beside the attempts: nothing waits for it.
 */
export class EndpointLife {
  private readonly found = new Map<string, { tenant: string; findings: Findings }>();
  private readonly writing = new Set<string>();
  /** Monotonic, by endpoint: when it was last written from here. */
  private readonly writtenAt = new Map<string, number>();
  private readonly untold = new Map<string, EndpointRecord>();
  private readonly timer: NodeJS.Timeout;

  constructor(private readonly options: EndpointLifeOptions) {
    this.timer = setInterval(() => this.look(), LOOK_EVERY_MS);
  }

  /** Endpoints about which something is to be written or told yet. */
  get unwritten(): number {
    return this.found.size + this.writing.size + this.untold.size;
  }

  /** After each attempt that was made. @param ours the fault is ours: it says nothing of the endpoint */
  note(record: EndpointRecord, outcome: Outcome, ours: boolean): void {
    if (ours) return;
    const known = this.found.get(record.id)?.findings;
    const findings = this.after(known ?? noFindings, record, outcome);
    // most attempts say what stands there already
    if (known === undefined && !this.writing.has(record.id) && recordAfter(record, findings, this.options.now()) === record) return;
    if (this.found.size >= KEPT_MAX) this.forgetOldest();
    this.found.set(record.id, { tenant: record.tenant, findings });
    this.lookAt(record.id);
  }

  close(): void {
    clearInterval(this.timer);
  }

  private after(known: Findings, { url }: EndpointRecord, outcome: Outcome): Findings {
    if (outcome.kind === 'delivered') return succeeded;
    const at = { ...(outcome.status === 410 && { goneAt: url }), ...(outcome.reason === 'ssrf_blocked' && { blockedAt: url }) };
    return andFailed(known, { at: this.options.now(), kind: outcome.reason, status: outcome.status }, at);
  }

  private look(): void {
    for (const id of this.found.keys()) this.lookAt(id);
    for (const [id, record] of this.untold) {
      this.untold.delete(id);
      void this.tellDisabled(record);
    }
    const before = performance.now() - WRITE_EVERY_MS;
    for (const [id, at] of this.writtenAt) if (at < before) this.writtenAt.delete(id);
  }

  private lookAt(id: string): void {
    const found = this.found.get(id);
    if (!found || this.writing.has(id) || this.writing.size >= WRITES_IN_FLIGHT_MAX) return;
    const record = this.options.registry.get(id);
    if (!record || recordAfter(record, found.findings, this.options.now()) === record) {
      this.found.delete(id);
      return;
    }
    // who said 410 gets nothing more, so there is nothing to wait for
    if (found.findings.goneAt === undefined && this.writtenAt.has(id)) return;
    this.found.delete(id);
    this.writing.add(id);
    void this.write(id, found.tenant, found.findings).finally(() => this.writing.delete(id));
  }

  private async write(id: string, tenant: string, findings: Findings): Promise<void> {
    this.writtenAt.set(id, performance.now());
    try {
      const told = await this.warn(id, findings);
      let untold = false;
      const { before, after } = await this.options.store.change(tenant, id, (current) => {
        const next = recordAfter(current, findings, this.options.now());
        untold = next.enabled && next.failingTold !== undefined && next.failingTold !== current.failingTold && next.failingTold !== told;
        return untold ? withTold(next, current.failingTold) : next;
      });
      // our view of the record was behind: it is looked at again
      if (untold) this.keep(id, tenant, findings);
      if (before.enabled && !after.enabled) await this.disabled(after);
    } catch (error) {
      if (error instanceof RegistryRefusal) return; // deleted meanwhile
      this.options.log.warn({ err: error, endpoint: id }, 'what attempts say of an endpoint was not written, and is tried again');
      this.keep(id, tenant, findings);
    }
  }

  /** Found again meanwhile: what came later counts, and the first failure stays the first. */
  private keep(id: string, tenant: string, findings: Findings): void {
    const later = this.found.get(id)?.findings;
    if (later === undefined) this.found.set(id, { tenant, findings });
    else if (!later.recovered && later.failed) this.found.set(id, { tenant, findings: andFailed(findings, later.failed, { ...(later.goneAt !== undefined && { goneAt: later.goneAt }), ...(later.blockedAt !== undefined && { blockedAt: later.blockedAt }) }) });
  }

  /** Told before it is written that it was told: a crash in between says it again, under the same id. @returns which warning. @throws Error when nobody could be told, so that it stays to be said */
  private async warn(id: string, findings: Findings): Promise<EndpointRecord['failingTold']> {
    const { registry, events, now, log } = this.options;
    const record = registry.get(id);
    if (!record) return undefined;
    const after = recordAfter(record, findings, now());
    if (!after.enabled || after.failingTold === undefined || after.failingTold === record.failingTold) return undefined;
    log.warn({ endpoint: id, tenant: after.tenant, failingSince: after.failingSince, warning: after.failingTold }, 'an endpoint fails, and will be disabled');
    if (!(await events.tell('endpoint.failing', after, now()))) throw new Error('there is no room for the warning');
    return after.failingTold;
  }

  private async disabled(record: EndpointRecord): Promise<void> {
    const { app, log, now } = this.options;
    const { id: endpoint, tenant, disabledReason: reason } = record;
    log.warn({ endpoint, tenant, reason }, 'an endpoint was disabled');
    const told = this.options.record(tenant, { type: 'endpoint.disabled', v: 1, at: now().toISOString(), tenant, endpoint, by: app, reason });
    await Promise.all([told, this.tellDisabled(record)]);
  }

  /** Until there is room for it. */
  private async tellDisabled(record: EndpointRecord): Promise<void> {
    const { events, now, log } = this.options;
    try {
      if (!(await events.tell('endpoint.disabled', record, now()))) this.untold.set(record.id, record);
    } catch (error) {
      log.error({ err: error, endpoint: record.id }, 'nobody was told that an endpoint was disabled');
    }
  }

  private forgetOldest(): void {
    for (const oldest of this.found.keys()) {
      this.found.delete(oldest);
      return;
    }
  }
}

const withTold = ({ failingTold: _next, ...rest }: EndpointRecord, told: EndpointRecord['failingTold']): EndpointRecord => (told === undefined ? rest : { ...rest, failingTold: told });
