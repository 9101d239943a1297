import type { Fact } from '@spillway/contracts';
import type { Outcome } from '@spillway/delivery';
import { RegistryRefusal, type EndpointRecord, type EndpointRegistry, type EndpointStore } from '@spillway/endpoints';
import type { Logger } from '@spillway/telemetry';
import { andFailed, announcementOf, noFindings, recordAfter, succeeded, type Announcement, type Findings } from './failing-state.ts';
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
  /** Of endpoints whose record is to be changed yet: the key of what was said about it, which is said once, however often the change must be tried. */
  private readonly told = new Map<string, string>();
  /** By endpoint: disabled, and the event had no room. */
  private readonly untold = new Map<string, Announcement>();
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
    for (const [id, announcement] of this.untold) {
      this.untold.delete(id);
      void this.sayAgain(announcement);
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
      this.told.delete(id);
      return;
    }
    // who said 410 gets nothing more, so there is nothing to wait for
    if (found.findings.goneAt === undefined && this.writtenAt.has(id)) return;
    this.found.delete(id);
    this.writing.add(id);
    void this.write(id, found.tenant, found.findings).finally(() => this.writing.delete(id));
  }

  /**
   * Told first, then written: a process that ends in between leaves the record as it was, the next attempt finds the same, and it is told again under the same id.
   * The other way round nobody would ever hear of it. So it may also be told of a record that its owner changes in that moment.
   */
  private async write(id: string, tenant: string, findings: Findings): Promise<void> {
    this.writtenAt.set(id, performance.now());
    try {
      const told = await this.announce(id, findings);
      let isUntold = false;
      const { before, after } = await this.options.store.change(tenant, id, (current) => {
        const next = recordAfter(current, findings, this.options.now());
        const owed = announcementOf(current, next);
        isUntold = owed !== undefined && owed.key !== told;
        return isUntold ? current : next;
      });
      this.told.delete(id);
      // our view of the record was behind: it is looked at again
      if (isUntold) this.keep(id, tenant, findings);
      if (before.enabled && !after.enabled) this.options.log.warn({ endpoint: id, tenant, reason: after.disabledReason }, 'an endpoint was disabled');
    } catch (error) {
      if (error instanceof RegistryRefusal) return void this.told.delete(id); // deleted meanwhile
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

  /** @returns the key of what the record, as we see it, gives to say, once it is said. @throws Error when nobody could be told, so that it stays to be said */
  private async announce(id: string, findings: Findings): Promise<string | undefined> {
    const record = this.options.registry.get(id);
    const announcement = record && announcementOf(record, recordAfter(record, findings, this.options.now()));
    if (announcement && announcement.key !== this.told.get(id)) {
      await (announcement.type === 'endpoint.failing' ? this.warn(announcement) : this.sayDisabled(announcement));
      this.told.set(id, announcement.key);
    }
    return announcement?.key;
  }

  private async warn(announcement: Announcement): Promise<void> {
    const { id: endpoint, tenant, failingSince, failingTold: warning } = announcement.about;
    this.options.log.warn({ endpoint, tenant, failingSince, warning }, 'an endpoint fails, and will be disabled');
    if (!(await this.options.events.tell(announcement, this.options.now()))) throw new Error('there is no room for the warning');
  }

  /** Where there is no room for the event the disabling does not wait for it, since what is attempted until then ends dead instead of being parked: it follows, from memory. */
  private async sayDisabled(announcement: Announcement): Promise<void> {
    const { app, now, record, events } = this.options;
    const { id: endpoint, tenant, disabledReason: reason } = announcement.about;
    const [isTold] = await Promise.all([events.tell(announcement, now()), record(tenant, { type: 'endpoint.disabled', v: 1, at: now().toISOString(), tenant, endpoint, by: app, reason })]);
    if (!isTold) this.untold.set(endpoint, announcement);
  }

  private async sayAgain(announcement: Announcement): Promise<void> {
    const { events, now, log } = this.options;
    try {
      if (!(await events.tell(announcement, now()))) this.untold.set(announcement.about.id, announcement);
    } catch (error) {
      log.error({ err: error, endpoint: announcement.about.id }, 'nobody was told that an endpoint was disabled');
    }
  }

  private forgetOldest(): void {
    for (const oldest of this.found.keys()) {
      this.found.delete(oldest);
      return;
    }
  }
}
