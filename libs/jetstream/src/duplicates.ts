import type { DroppedBy, DroppedOriginal, Fact } from '@spillway/contracts';

export type DroppedDuplicate = {
  tenant: string;
  /** The event that stands for it, by its own id or by its content. */
  original: string;
  by: 'id' | 'content';
  /** Its own id. */
  event: string;
  /** Its sequence in INGEST; absent when it never came so far. */
  ingest?: number;
  differs: boolean;
};

export type DuplicatesOptions = {
  /** Who drops them. */
  app: DroppedBy;
  record: (tenant: string, fact: Fact) => Promise<void>;
  now: () => Date;
  /** A round ends after so long, */
  roundMs: number;
  /** or with so many duplicates. */
  roundMax: number;
};

/** One fact for many: counts by original, with the INGEST sequences that it settles. */
export const duplicatesDropped = (app: DroppedBy, tenant: string, dropped: readonly DroppedDuplicate[], now: Date): Fact => {
  const originals = new Map<string, DroppedOriginal>();
  for (const duplicate of dropped) {
    const key = `${duplicate.by} ${duplicate.original}`;
    const original = originals.get(key) ?? { event: duplicate.original, by: duplicate.by, count: 0, ingest: [] };
    originals.set(key, original);
    count(duplicate, original);
  }
  return { v: 1, type: 'event.duplicates_dropped', at: now.toISOString(), tenant, app, originals: [...originals.values()] };
};

const count = ({ by, event, ingest, differs }: DroppedDuplicate, original: DroppedOriginal): void => {
  original.count += 1;
  if (ingest !== undefined) original.ingest.push(ingest);
  if (by === 'content') (original.dropped ??= []).push(event);
  if (differs) original.differs = (original.differs ?? 0) + 1;
};

type Round = { dropped: Map<string, DroppedDuplicate[]>; count: number; written: Promise<void>; end: () => void };

/**
 * A flood of duplicates must not become a flood of ledger messages: one fact a tenant and round. A duplicate is done with only after its fact's PubAck, so that
 * a crash counts it again and never not at all.
 */
export class Duplicates {
  private round: Round | undefined;

  constructor(private readonly options: DuplicatesOptions) {}

  /** Resolves when the fact that counts it is on disk: then it is done with. Those of one round share the promise. */
  drop(duplicate: DroppedDuplicate): Promise<void> {
    const round = (this.round ??= this.begin());
    const of = round.dropped.get(duplicate.tenant);
    if (of) of.push(duplicate);
    else round.dropped.set(duplicate.tenant, [duplicate]);
    round.count += 1;
    if (round.count >= this.options.roundMax) round.end();
    return round.written;
  }

  private begin(): Round {
    const { promise: over, resolve: end } = Promise.withResolvers<void>();
    const timer = setTimeout(end, this.options.roundMs);
    const dropped: Round['dropped'] = new Map();
    return { dropped, count: 0, written: this.writeAfter(over, timer, dropped), end };
  }

  private async writeAfter(over: Promise<void>, timer: NodeJS.Timeout, dropped: Round['dropped']): Promise<void> {
    const { app, record, now } = this.options;
    await over;
    clearTimeout(timer);
    this.round = undefined;
    await Promise.all([...dropped].map(([tenant, of]) => record(tenant, duplicatesDropped(app, tenant, of, now()))));
  }
}
