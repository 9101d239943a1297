import { InfrastructureError, type DirectGet, type StoredMessage } from '@spillway/jetstream';
import type { Logger } from '@spillway/telemetry';

export type ParkedExpiryOptions = {
  reader: Pick<DirectGet, 'slice'>;
  isTooOld: (message: StoredMessage) => boolean;
  /** From there on it may be read. */
  onOld: (subject: string) => void;
  lookEveryMs: number;
  log: Logger;
  clock?: () => number;
};

type Seen = { lookAtMs: number; isOld: boolean };

/** Read at once of a subject whose head is too old. */
const SLICE = 256;
const SLICE_BYTES_MAX = 2 * 2 ** 20;
const LOOKS_AT_ONCE = 4;
/** Forgotten together, and found again by the next look: 10 MB. */
const KNOWN_MAX = 100_000;

/**
 * Parked deliveries that nobody attempts (disabled, gone for ever, suspended) still end by their age: the head of each such subject is looked at once in a while,
 * and while it is too old the subject is read, which expires what is. A million that wait cost one read a minute.
 */
export class ParkedExpiry {
  private readonly seen = new Map<string, Seen>();
  private readonly clock: () => number;
  private looking = 0;

  constructor(private readonly options: ParkedExpiryOptions) {
    this.clock = options.clock ?? (() => performance.now());
  }

  /** Asked again and again for a subject that nothing may be attempted from. @returns how many of it to read all the same */
  room(subject: string, held: number): number {
    const now = this.clock();
    const known = this.seen.get(subject) ?? this.meet(subject, now);
    if (known.isOld) return Math.max(0, SLICE - held);
    if (now >= known.lookAtMs && this.looking < LOOKS_AT_ONCE) void this.look(subject, known, now);
    return 0;
  }

  /** One of it was read that is not too old: those behind it are younger still, or are found by a later look. */
  enough(subject: string): void {
    const known = this.seen.get(subject);
    if (known) known.isOld = false;
  }

  private meet(subject: string, now: number): Seen {
    if (this.seen.size >= KNOWN_MAX) this.seen.clear();
    // not all at once after a start
    const met = { lookAtMs: now + Math.random() * this.options.lookEveryMs, isOld: false };
    this.seen.set(subject, met);
    return met;
  }

  private async look(subject: string, known: Seen, now: number): Promise<void> {
    const { reader, isTooOld, onOld, lookEveryMs, log } = this.options;
    this.looking += 1;
    known.lookAtMs = now + lookEveryMs;
    try {
      const { messages } = await reader.slice({ subject, fromSequence: 1, batch: 1, maxBytes: SLICE_BYTES_MAX });
      known.isOld = messages.some(isTooOld);
      if (known.isOld) onOld(subject);
    } catch (error) {
      if (!(error instanceof InfrastructureError)) log.error({ err: error, subject }, 'the head of a parked subject cannot be judged');
    } finally {
      this.looking -= 1;
    }
  }
}
