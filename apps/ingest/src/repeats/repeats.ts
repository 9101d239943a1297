import { bodyChecksum, type Fact } from '@spillway/contracts';
import { Duplicates, OutcomeUnknown, withinMs } from '@spillway/jetstream';
import type { Logger } from '@spillway/telemetry';
import type { Envelope } from '../event/envelope.ts';
import type { DroppedByType } from './dropped-by-type.ts';
import type { StoredIds } from './stored-ids.ts';

/** An event that has its id. `isKeyed`: its producer named it, so the same once more has the same id. */
export type Named = { envelope: Envelope; eventId: string; isKeyed: boolean };

export type RepeatsOptions = {
  ids: StoredIds;
  /** To the ledger; may take for ever. */
  record: (tenant: string, fact: Fact) => Promise<void>;
  /** How long a repeat waits for its fact, from the end of its round on. */
  factWithinMs: number;
  told: Pick<DroppedByType, 'add'>;
  log: Pick<Logger, 'warn'>;
  now: () => Date;
};

/** What a repeat waits at the most for others that share its fact. Twenty facts a second and tenant, or one for each thousand repeats. */
export const ROUND_MS = 50;
const ROUND_MAX = 1_000;
/** After a fact that could not be written nobody waits for another so long. */
const REST_MS = 1_000;

/**
 * Repeats of what this very process has on disk are answered here: the same id, the same body, within two minutes. Each is counted in the ledger before it is
 * answered, as dedupe counts what it drops. Everything else is dedupe's: other ingests' events, what came before a start, another body, equal contents.
 */
export class Repeats {
  /** Counted and answered; and let through, since they could not be counted in time. */
  readonly counted = { answered: 0, letThrough: 0 };
  private readonly duplicates: Duplicates;
  /** Facts that were not written in time, and are not written yet: none is added to them, or they would pile up. */
  private late = 0;
  private restsUntilMs = Number.NEGATIVE_INFINITY;

  constructor(private readonly options: RepeatsOptions) {
    this.duplicates = new Duplicates({ app: 'ingest', record: (tenant, fact) => this.write(tenant, fact), now: options.now, roundMs: ROUND_MS, roundMax: ROUND_MAX });
  }

  get state(): { ids: number; idsMax: number; isCounting: boolean } {
    const { ids } = this.options;
    const nowMs = performance.now();
    return { ids: ids.count(nowMs), idsMax: ids.idsMax, isCounting: this.isCounting(nowMs) };
  }

  get idsMax(): number {
    return this.options.ids.idsMax;
  }

  /** Whether it may be dropped: what it repeats is on disk. */
  isRepeat({ envelope: { type, data }, eventId, isKeyed }: Named): boolean {
    const { ids } = this.options;
    if (!isKeyed || ids.idsMax === 0) return false;
    const nowMs = performance.now();
    const slot = ids.find(eventId, nowMs);
    return slot >= 0 && this.isCounting(nowMs) && ids.hasBody(slot, bodyChecksum(type, data));
  }

  /** Its PubAck is here. */
  stored({ envelope: { type, data }, eventId, isKeyed }: Named): void {
    const { ids } = this.options;
    if (isKeyed && ids.idsMax > 0) ids.store(eventId, bodyChecksum(type, data), performance.now());
  }

  /** INGEST may be another one. */
  forget(): void {
    this.options.ids.forget();
  }

  /** @returns true once all of them are counted on disk; false when that takes too long, or is refused: they go the usual way */
  async drop(repeats: readonly Named[]): Promise<boolean> {
    const rounds = new Set(repeats.map(({ envelope: { tenant }, eventId }) => this.duplicates.drop({ tenant, original: eventId, by: 'id', event: eventId, differs: false })));
    try {
      await Promise.all(rounds);
    } catch {
      // said once a fact, where it is written
      this.counted.letThrough += repeats.length;
      return false;
    }
    this.counted.answered += repeats.length;
    for (const { envelope } of repeats) this.options.told.add(envelope.tenant, envelope.type);
    return true;
  }

  private async write(tenant: string, fact: Fact): Promise<void> {
    try {
      await this.inTime(this.options.record(tenant, fact));
    } catch (error) {
      this.restsUntilMs = performance.now() + REST_MS;
      this.options.log.warn({ err: error }, 'repeats could not be counted in the ledger, and go to INGEST');
      throw error;
    }
  }

  private async inTime(written: Promise<void>): Promise<void> {
    if (await withinMs(written.then(() => true), this.options.factWithinMs)) return;
    this.late += 1;
    // written at last, it counts what has gone to INGEST meanwhile and is counted there once more: better than not at all
    const over = (): void => void (this.late -= 1);
    written.then(over, over);
    throw new OutcomeUnknown('the fact that counts repeats');
  }

  private isCounting(nowMs: number): boolean {
    return this.late === 0 && nowMs >= this.restsUntilMs;
  }
}
