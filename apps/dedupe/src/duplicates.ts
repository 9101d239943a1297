import type { DroppedOriginal, Fact } from '@spillway/contracts';

export type DroppedDuplicate = {
  tenant: string;
  /** The event that stands for it, by its own id or by its content. */
  original: string;
  by: 'id' | 'content';
  /** Its own id. */
  event: string;
  ingest: number;
  differs: boolean;
};

const FLUSH_EVERY_MS = 250;
/** As many as are dropped in a quarter of a second by a busy dedupe. */
export const FLUSH_AT = 1_000;

/** One fact for many: counts by original, with the INGEST sequences that it settles. */
export const duplicatesDropped = (tenant: string, dropped: readonly DroppedDuplicate[], now: Date): Fact => {
  const originals = new Map<string, DroppedOriginal>();
  for (const duplicate of dropped) {
    const key = `${duplicate.by} ${duplicate.original}`;
    const original = originals.get(key) ?? { event: duplicate.original, by: duplicate.by, count: 0, ingest: [] };
    originals.set(key, original);
    count(duplicate, original);
  }
  return { v: 1, type: 'event.duplicates_dropped', at: now.toISOString(), tenant, originals: [...originals.values()] };
};

const count = ({ by, event, ingest, differs }: DroppedDuplicate, original: DroppedOriginal): void => {
  original.count += 1;
  original.ingest.push(ingest);
  if (by === 'content') (original.dropped ??= []).push(event);
  if (differs) original.differs = (original.differs ?? 0) + 1;
};

type Round = { dropped: Map<string, DroppedDuplicate[]>; count: number; written: Promise<void>; end: () => void };

/**
 * A flood of duplicates must not become a flood of ledger messages: one fact a tenant and interval. A duplicate is removed after its fact's PubAck, so that
 * a crash counts it again and never not at all.
 */
export class Duplicates {
  private round: Round | undefined;

  constructor(
    private readonly record: (tenant: string, fact: Fact) => Promise<void>,
    private readonly now: () => Date,
    private readonly flushAt = FLUSH_AT,
  ) {}

  /** Resolves when the fact that counts it is on disk: then it may be removed. */
  drop(duplicate: DroppedDuplicate): Promise<void> {
    const round = (this.round ??= this.begin());
    const of = round.dropped.get(duplicate.tenant);
    if (of) of.push(duplicate);
    else round.dropped.set(duplicate.tenant, [duplicate]);
    round.count += 1;
    if (round.count >= this.flushAt) round.end();
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
