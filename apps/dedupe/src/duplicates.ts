import type { Fact } from '@spillway/contracts';

export type Duplicate = { tenant: string; event: string; ingest: number; differs: boolean };

const FLUSH_EVERY_MS = 250;
const FLUSH_AT = 1_000;

type Original = { event: string; count: number; ingest: number[]; differs?: number };

/** One fact for many: counts by original, with the INGEST sequences that it settles. */
export const duplicatesDropped = (tenant: string, dropped: readonly Duplicate[], now: Date): Fact => {
  const originals = new Map<string, Original>();
  for (const { event, ingest, differs } of dropped) {
    const original = originals.get(event) ?? { event, count: 0, ingest: [] };
    original.count += 1;
    original.ingest.push(ingest);
    if (differs) original.differs = (original.differs ?? 0) + 1;
    originals.set(event, original);
  }
  return { v: 1, type: 'event.duplicates_dropped', at: now.toISOString(), tenant, originals: [...originals.values()] };
};

type Round = { dropped: Map<string, Duplicate[]>; count: number; written: Promise<void>; end: () => void };

/**
 * A flood of duplicates must not become a flood of ledger messages: one fact a tenant and interval. A duplicate is removed after its fact's PubAck, so that
 * a crash counts it again and never not at all.
 */
export class Duplicates {
  private round: Round | undefined;

  constructor(
    private readonly record: (tenant: string, fact: Fact) => Promise<void>,
    private readonly now: () => Date,
  ) {}

  /** Resolves when the fact that counts it is on disk: then it may be removed. */
  drop(duplicate: Duplicate): Promise<void> {
    const round = (this.round ??= this.begin());
    const of = round.dropped.get(duplicate.tenant);
    if (of) of.push(duplicate);
    else round.dropped.set(duplicate.tenant, [duplicate]);
    round.count += 1;
    if (round.count >= FLUSH_AT) round.end();
    return round.written;
  }

  private begin(): Round {
    const { promise: over, resolve: end } = Promise.withResolvers<void>();
    const timer = setTimeout(end, FLUSH_EVERY_MS);
    const dropped: Round['dropped'] = new Map();
    return { dropped, count: 0, written: this.writeAfter(over, timer, dropped), end };
  }

  private async writeAfter(over: Promise<void>, timer: NodeJS.Timeout, dropped: Round['dropped']): Promise<void> {
    await over;
    clearTimeout(timer);
    this.round = undefined;
    await Promise.all([...dropped].map(([tenant, of]) => this.record(tenant, duplicatesDropped(tenant, of, this.now()))));
  }
}
