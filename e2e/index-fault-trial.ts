import type { DedupeFault } from '@spillway/contracts';
import { eventually, sendUntilAnswered, type Books, type Plane, type TestRedis, type ToSend } from '@spillway/testing';
import type { BrokerView } from './broker-view.ts';
import { DedupeSays, type DedupeCounts } from './dedupe-says.ts';

/**
 * `why`: what dedupe says of it, or any of these. `atOnce`: a single claim shows it, so the load comes onto an index that is known to be of no use; else the load finds
 * it out, at the cost of some deadlines. `empties`: what Redis held is gone afterwards.
 */
export type IndexFault = { what: string; why: readonly DedupeFault[]; atOnce: boolean; empties?: true; begin: () => Promise<unknown>; end: () => Promise<unknown> };

/** Repetitions: `offered` were answered with 202, `dropped` is how many dedupe says it removed (`byBroker` of them only by the broker's window). `ids`: of the events. */
export type Load = { events: readonly ToSend[]; ids: ReadonlySet<string>; perSecond: number; offered: number; dropped: number; byBroker: number };

/** How a fault was told in the ledger, and what passed unchecked while it lasted. */
export type Told = { why: DedupeFault; fallbackWindowSeconds: number; degradedMs: number; passed: number };

/** The issue's own bound: to be said, and to be over. */
const SAID_WITHIN_MS = 60_000;
const CONNECTIONS = 32;

export type TrialParts = { plane: Plane; view: BrokerView; books: Books; redis: TestRedis; tenant: string };

/** Steps of a fault of dedupe's Redis, under a load in which every event comes twice. */
export class IndexFaultTrial {
  readonly says: DedupeSays;

  constructor(private readonly parts: TrialParts) {
    this.says = new DedupeSays(parts.plane, parts.view);
  }

  /** Until all of it has arrived and nothing waits. `perSecond`: delivered, repetitions not counted. */
  async load(name: string, count: number): Promise<Load> {
    const events = Array.from({ length: count }, (_, i) => this.event(`${name}-${i}`));
    const before = await this.says.counts();
    const startedAt = performance.now();
    const { accepted, ids } = await this.send([...events, ...events]);
    await this.allArrived();
    const perSecond = count / ((performance.now() - startedAt) / 1_000);
    await this.parts.view.settled();
    const { dropped, byBroker } = since(before, await this.says.counts());
    return { events, ids, perSecond, offered: accepted - count, dropped, byBroker };
  }

  /** What was accepted before comes again while nothing else does. @returns what dedupe did of it */
  async repeat(events: readonly ToSend[]): Promise<DedupeCounts> {
    const before = await this.says.counts();
    await this.send(events);
    await this.parts.view.settled();
    return since(before, await this.says.counts());
  }

  /** One new event at a time, until dedupe has seen what is wrong. @returns how many it took */
  async knock(name: string, fault: IndexFault): Promise<number> {
    let knocks = 0;
    await eventually(async () => {
      await this.send([this.event(`${name}-knock-${(knocks += 1)}`)]);
      await this.isDegraded(fault);
    }, SAID_WITHIN_MS);
    return knocks;
  }

  /** In /readyz, which stays 200, and in the metric. */
  untilDegraded(fault: IndexFault): Promise<void> {
    return eventually(() => this.isDegraded(fault), SAID_WITHIN_MS);
  }

  /** In /readyz, in the metric and in the ledger. @returns how many facts about it there are */
  untilWell(): Promise<number> {
    return eventually(async () => {
      const { status, detail } = await this.says.ready();
      if (status !== 200 || detail.state !== 'ok') throw new Error(`not well: ${JSON.stringify({ status, detail })}`);
      const { indexOk } = await this.says.counts();
      if (indexOk !== 1) throw new Error('it is well by /readyz, and not by the metric');
      // last: to read the ledger is a request for each fact
      const facts = await this.says.facts();
      if (facts.at(-1)?.type === 'dedupe.degraded') throw new Error('it is well by /readyz, and not by the ledger');
      return facts.length;
    }, SAID_WITHIN_MS);
  }

  /** Of the facts after so many: the first pair. There may be more, since the proxy shares its process with the load: on a busy machine it is slow by itself at times. */
  told(after: number): Promise<Told> {
    return eventually(async () => {
      const [degraded, restored] = (await this.says.facts()).slice(after);
      if (degraded?.type !== 'dedupe.degraded' || restored?.type !== 'dedupe.restored') throw new Error(`wanted dedupe.degraded and dedupe.restored in the ledger, found ${degraded?.type}, ${restored?.type}`);
      return { why: degraded.why, fallbackWindowSeconds: degraded.fallbackWindowSeconds, degradedMs: restored.degradedMs, passed: restored.passed };
    }, SAID_WITHIN_MS);
  }

  async keysInRedis(): Promise<number> {
    return Number(await this.parts.redis.ask('DBSIZE'));
  }

  /** Extra arrivals of these events so far. */
  extra(ids: ReadonlySet<string>): number {
    return this.parts.books.repeats().filter(({ event }) => ids.has(event)).length;
  }

  private async isDegraded({ why }: IndexFault): Promise<void> {
    const [{ status, detail }, { indexOk }] = [await this.says.ready(), await this.says.counts()];
    const isSaid = status === 200 && detail.index === 'redis' && detail.state === 'degraded' && indexOk === 0 && why.some((fault) => fault === detail.fault);
    if (!isSaid) throw new Error(`wanted it degraded, ${why.join(' or ')}; dedupe says ${JSON.stringify({ status, detail, indexOk })}`);
  }

  private event(id: string): ToSend {
    return { id, tenant: this.parts.tenant, type: 'a', data: `{"id":"${id}","pad":"${'x'.repeat(500)}"}` };
  }

  private async send(events: readonly ToSend[]): Promise<{ accepted: number; ids: ReadonlySet<string> }> {
    const { plane, books } = this.parts;
    const ids = new Set<string>();
    let accepted = 0;
    await sendUntilAnswered({
      url: plane.app('ingest').url,
      key: plane.adminKey,
      events,
      connections: CONNECTIONS,
      onTried: (tried) => {
        books.tried(tried);
        if (tried.answer?.status !== 202) return;
        accepted += 1;
        ids.add((JSON.parse(tried.answer.body) as { id: string }).id);
      },
    });
    return { accepted, ids };
  }

  private async allArrived(): Promise<void> {
    await eventually(() => {
      const { length } = this.parts.books.missing();
      if (length > 0) throw new Error(`${length} accepted events have not arrived`);
    }, 60_000);
  }
}

const since = (before: DedupeCounts, now: DedupeCounts): DedupeCounts => ({
  dropped: now.dropped - before.dropped,
  byBroker: now.byBroker - before.byBroker,
  deliveries: now.deliveries - before.deliveries,
  asked: now.asked - before.asked,
  indexOk: now.indexOk,
});
