import type { Logger } from '@spillway/telemetry';
import type { Broker } from './broker.ts';
import { isPassing } from './errors.ts';
import { listSubjects, type SubjectList } from './subject-list.ts';

/** When to ask which subjects there are. */
export type Listing = {
  everyMs: number;
  /** Asked with the broker's clock, which no worker's clock replaces. */
  filters: (brokerNowMs: number) => readonly string[];
};

export type SubjectListingOptions = {
  broker: Broker;
  stream: string;
  /** The whole shard's: listed on takeover and each `everyMs`. */
  filter: string;
  everyMs?: number | undefined;
  /** Beside that. */
  listings?: readonly Listing[] | undefined;
  log: Logger;
  /** Told of each list that came. @param whole it holds every subject there is */
  onList: (list: SubjectList, whole: boolean) => void;
  /** False once nobody wants to know any more. */
  isWanted: () => boolean;
};

const LIST_EVERY_MS = 5_000;
/** A nudge that names no subject makes us list, and a thousand of them list no more often than this. */
const NUDGED_LIST_EVERY_MS = 250;
/** After a listing that failed. */
const PAUSE_MS = 250;
/** Three times what any request may take, and then some: who lists in several parts has several. */
const STUCK_MS = 60_000;

/** Asks the broker which subjects of a shard hold messages, one listing at a time, and keeps the broker's clock from the answers. */
export class SubjectListing {
  private readonly due: number[];
  private wholeDue = 0;
  private lastAsked = Number.NEGATIVE_INFINITY;
  private askedSince: number | undefined;
  private clock = { brokerMs: 0, at: 0 };
  /** What the broker said when it refused. */
  fault: string | undefined;

  constructor(private readonly options: SubjectListingOptions) {
    this.due = (options.listings ?? []).map(() => 0);
  }

  /** The broker's time now, from its last listing and our monotonic clock; 0 before the first. */
  get brokerNowMs(): number {
    return this.clock.brokerMs === 0 ? 0 : this.clock.brokerMs + performance.now() - this.clock.at;
  }

  /** A list is on its way: what is stored meanwhile may or may not be in it. */
  get isUnderWay(): boolean {
    return this.askedSince !== undefined;
  }

  /** Something is there, and nobody said what: sooner than planned. */
  hurry(): void {
    this.wholeDue = Math.min(this.wholeDue, this.lastAsked + NUDGED_LIST_EVERY_MS);
  }

  /** Asks for what is due. */
  tick(nowMs: number): void {
    if (this.askedSince !== undefined) return;
    const { listings = [], everyMs = LIST_EVERY_MS, filter } = this.options;
    if (nowMs >= this.wholeDue) {
      // a tenth earlier or later, so that eight shards do not ask together for ever
      this.wholeDue = nowMs + everyMs * (0.9 + Math.random() / 5);
      return this.ask([filter], true, nowMs);
    }
    const due = listings.findIndex((_, i) => nowMs >= (this.due[i] as number));
    if (due < 0) return;
    const listing = listings[due] as Listing;
    this.due[due] = nowMs + listing.everyMs;
    this.ask(listing.filters(this.brokerNowMs), false, nowMs);
  }

  /** @throws Error when a listing does not come back */
  assertMoving(nowMs: number): void {
    if (this.askedSince !== undefined && nowMs - this.askedSince > STUCK_MS) throw new Error(`listing ${this.options.filter} does not come back`);
  }

  /** What passes by itself is no fault: it is tried again. Anything else is said once, until a listing goes well. */
  failed(error: unknown, what: string): void {
    const { filter, log, isWanted } = this.options;
    if (isPassing(error) || !isWanted()) return;
    if (this.fault === undefined) log.error({ err: error, filter }, what);
    this.fault = `${filter}: ${(error as Error).message}`;
  }

  private ask(filters: readonly string[], whole: boolean, nowMs: number): void {
    this.askedSince = nowMs;
    this.lastAsked = nowMs;
    const { broker, stream } = this.options;
    Promise.all(filters.map((filter) => listSubjects(broker, stream, filter)))
      .then((lists) => lists.forEach((list) => this.came(list, whole)))
      .catch((error: unknown) => {
        if (whole) this.wholeDue = performance.now() + PAUSE_MS;
        this.failed(error, 'subjects cannot be listed');
      })
      .finally(() => {
        this.askedSince = undefined;
      });
  }

  private came(list: SubjectList, whole: boolean): void {
    const { isWanted, onList } = this.options;
    if (!isWanted()) return;
    this.fault = undefined;
    this.clock = { brokerMs: list.brokerNowMs, at: performance.now() };
    onList(list, whole);
  }
}
