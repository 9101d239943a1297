import type { DirectGet, StoredMessage } from '@spillway/jetstream';
import { deadLetterOf, type DeadLetter } from './dead-letter.ts';
import { isMeant, isPast, subjectOf, type DeadFilters } from './dead-filters.ts';

export type Found = { letter: DeadLetter; message: StoredMessage };
export type DeadSlice = { found: Found[]; /** Where the next slice begins. */ next: number; /** There is nothing behind it. */ ended: boolean; /** Messages looked at. */ looked: number };

const SLICE_MAX = 256;
const SLICE_BYTES_MAX = 2 * 2 ** 20;
/** One answer looks at no more than this: some 40 slices, a fraction of a second. Who wants more asks on with the cursor. */
const LOOKED_AT_MAX = 10_000;
/** For one letter all of the stream may have to be looked at; a gigabyte takes some ten seconds, and nobody waits longer for an answer. */
const SEARCH_MS = 10_000;
/** Letters listed lately are found again without a search. */
const REMEMBERED_MAX = 20_000;

/** WEBHOOK_DEAD, read in place and in slices; nothing is kept of it but where letters lay that were seen lately. */
export class DeadLetters {
  private readonly seenAt = new Map<string, number>();

  constructor(private readonly reader: Pick<DirectGet, 'slice'>) {}

  /** Those of one slice that are meant, in the order in which they died. @throws BrokerAway | BrokerRefused | OutcomeUnknown */
  async slice(filters: DeadFilters, fromSequence: number, batch = SLICE_MAX): Promise<DeadSlice> {
    const fromTime = fromSequence <= 1 && filters.from !== undefined ? new Date(filters.from).toISOString() : undefined;
    const { messages, pending } = await this.reader.slice({ subject: subjectOf(filters), fromSequence, fromTime, batch, maxBytes: SLICE_BYTES_MAX });
    const read = messages.map((message) => ({ letter: deadLetterOf(message), message }));
    for (const { letter, message } of read) this.remember(letter.id, message.sequence);
    const last = read.at(-1);
    return {
      found: read.filter(({ letter }) => isMeant(letter, filters)),
      next: (last?.message.sequence ?? fromSequence) + 1,
      ended: pending === 0 || (last !== undefined && isPast(last.letter, filters)),
      looked: read.length,
    };
  }

  /** @returns `next` when there may be more: also after a page that found nothing yet */
  async page(filters: DeadFilters, limit: number, fromSequence: number): Promise<{ items: DeadLetter[]; next: number | undefined }> {
    const items: DeadLetter[] = [];
    let from = fromSequence;
    for (let looked = 0; looked < LOOKED_AT_MAX; ) {
      const slice = await this.slice(filters, from);
      for (const { letter, message } of slice.found) {
        if (items.length === limit) return { items, next: message.sequence };
        items.push(letter);
      }
      if (slice.ended) return { items, next: undefined };
      from = slice.next;
      looked += slice.looked;
    }
    return { items, next: from };
  }

  /** @returns `too_long` when not all could be looked at in time */
  async find(id: string, filters: DeadFilters): Promise<Found | 'unknown' | 'too_long'> {
    const known = this.seenAt.get(id);
    const there = known === undefined ? undefined : this.in(await this.slice(filters, known, 1), id);
    if (there) return there;
    const until = performance.now() + SEARCH_MS;
    for (let from = 1; performance.now() < until; ) {
      const slice = await this.slice(filters, from);
      const found = this.in(slice, id);
      if (found) return found;
      if (slice.ended) return 'unknown';
      from = slice.next;
    }
    return 'too_long';
  }

  private in({ found }: DeadSlice, id: string): Found | undefined {
    return found.find(({ letter }) => letter.id === id);
  }

  private remember(id: string, sequence: number): void {
    this.seenAt.delete(id);
    this.seenAt.set(id, sequence);
    if (this.seenAt.size <= REMEMBERED_MAX) return;
    for (const oldest of this.seenAt.keys()) {
      this.seenAt.delete(oldest);
      return;
    }
  }
}
