import { bodyChecksum, type DedupeRule, type EventMeta } from '@spillway/contracts';
import { withinMs, type WaitingMessage } from '@spillway/jetstream';
import { dataOf } from './data-of.ts';
import type { Answer, DedupeIndex, ToClaim } from './index/dedupe-index.ts';
import { contentKey, idKey } from './index/keys.ts';
import type { Mark } from './index/mark.ts';
import type { Recent, RecentKeys } from './recent-keys.ts';

/** An event that dedupe was handed, and whatever may be computed of it once. */
export type Arrived = { message: Pick<WaitingMessage, 'sequence' | 'place' | 'data' | 'storedAtMs'>; meta: EventMeta };

/** What became of an admitted event: its deliveries are stored; nothing is; or the broker's own window knew every one of them. */
export type Outcome = 'stored' | 'failed' | 'second_net';

export type Admitted = {
  kind: 'admitted';
  /** We have been here with this very message, and may have published already. */
  repeated: boolean;
  /** Known, but accepted further apart than the window: what follows needs message ids of its own. */
  again: boolean;
  settle: (outcome: Outcome) => Promise<void> | void;
};
export type Duplicate = { kind: 'duplicate'; by: 'id' | 'content'; of: string; differs: boolean };

/** What the rules by content make of an event: the rule that decides for its type, and the fingerprint under it. */
export type ContentRules = { fingerprintFor(tenant: string, type: string, data: Buffer): { rule: DedupeRule; fingerprint: string } | undefined };

export type AdmissionOptions = {
  recent: RecentKeys;
  index: DedupeIndex;
  rules: ContentRules;
  /** INGEST's creation time, as marks have it. */
  world: string;
};

/** A delivery is stored within milliseconds when there is room for it. */
const WAIT_MAX_MS = 1_000;

type Near = { again: boolean; settle: (stored: boolean, of?: Mark) => void };
type Mine = Near & { kind: 'mine'; sure: boolean; repeated: boolean };
type Claimed = Mine | { kind: 'duplicate'; of: Mark };

/**
 * Whether an event goes on. First by its id, then, once the id is its own, by content: an event that is a duplicate by id must not claim a content key that it will
 * never fulfil, or the next honest event of that content is dropped for it.
 */
export class Admission {
  constructor(private readonly options: AdmissionOptions) {}

  async admit({ message, meta }: Arrived): Promise<Admitted | Duplicate> {
    const { index } = this.options;
    const data = dataOf(message.data);
    const mark = this.markOf({ message, meta }, bodyChecksum(meta.type, data));
    const id = await this.claim({ key: idKey(meta), mark, windowMs: index.windowMs });
    if (id.kind === 'duplicate') return { kind: 'duplicate', by: 'id', of: meta.eventId, differs: id.of.checksum !== mark.checksum };
    const content = id.sure ? this.contentClaim(meta, mark, data) : undefined;
    if (content !== undefined) return this.admitByContent(id, content);
    return { kind: 'admitted', repeated: id.repeated, again: id.again, settle: (outcome) => id.settle(outcome !== 'failed') };
  }

  /** What can be said at once and for certain of a repetition by id; `undefined`: `admit` will tell. */
  knownRepeat({ message, meta }: Arrived): Duplicate | undefined {
    const known = this.options.recent.duplicateOf(idKey(meta), this.markOf({ message, meta }, ''), this.options.index.windowMs, performance.now());
    return known && { kind: 'duplicate', by: 'id', of: meta.eventId, differs: known.of.checksum !== bodyChecksum(meta.type, dataOf(message.data)) };
  }

  /** The message goes to the pipeline's dead letters: nobody may be dropped for it. */
  async giveUp({ message, meta }: Arrived): Promise<void> {
    const { index } = this.options;
    const mark = this.markOf({ message, meta }, '');
    // first, and without a look at the body: to read that may be what ends the process
    await index.giveUp({ key: idKey(meta), mark });
    const content = this.contentClaim(meta, mark, dataOf(message.data));
    if (content) await index.giveUp(content);
  }

  private async admitByContent(id: Mine, toClaim: ToClaim): Promise<Admitted | Duplicate> {
    const content = await this.claimContent(id, toClaim);
    if (content.kind === 'duplicate') {
      id.settle(true); // a repetition of this id is none of its own, either
      return { kind: 'duplicate', by: 'content', of: content.of.event, differs: false };
    }
    const settle = (outcome: Outcome): Promise<void> | void => {
      id.settle(outcome !== 'failed');
      content.settle(outcome === 'stored');
      // the broker knew the id, perhaps with another body: this content was not delivered by us, and nobody may be dropped for it
      if (outcome === 'second_net') return this.options.index.giveUp(toClaim);
    };
    return { kind: 'admitted', repeated: id.repeated, again: id.again, settle };
  }

  private async claimContent(id: Mine, toClaim: ToClaim): Promise<Claimed> {
    try {
      return await this.claim(toClaim);
    } catch (error) {
      id.settle(false);
      throw error;
    }
  }

  /** What an operator's job makes is wanted as it is. */
  private contentClaim(meta: EventMeta, mark: Mark, data: Buffer): ToClaim | undefined {
    const { index, rules } = this.options;
    if (!index.keepsContent || meta.job !== undefined) return undefined;
    const found = rules.fingerprintFor(meta.tenant, meta.type, data);
    return found && { key: contentKey(meta.tenant, found.fingerprint), mark: { ...mark, again: false }, windowMs: found.rule.windowSeconds * 1_000 };
  }

  private markOf({ message, meta }: Arrived, checksum: string): Mark {
    const acceptedAtMs = Date.parse(meta.acceptedAt) || message.storedAtMs;
    return { world: this.options.world, sequence: message.sequence, place: message.place ?? 0, acceptedAtMs, event: meta.eventId, checksum, again: false };
  }

  /** By the table of recent keys, then by the index. */
  private claim(toClaim: ToClaim): Promise<Claimed> | Claimed {
    const near = this.options.recent.claim(toClaim.key, toClaim.mark, toClaim.windowMs, performance.now());
    if (near.kind === 'duplicate') return this.waitFor(near.recent, toClaim);
    const answer = this.options.index.claim(near.again ? { ...toClaim, mark: { ...toClaim.mark, again: true } } : toClaim);
    return answer instanceof Promise ? afterwards(answer, near) : claimed(answer, near);
  }

  /**
   * What is stored stands for this one; if the other fails, this one goes. What is neither for a while waits for room in DELIVERY, perhaps in another lane, which nobody may
   * wait for: it lies in INGEST and comes again until it is delivered, so it stands for this one, too.
   */
  private async waitFor(recent: Recent, toClaim: ToClaim): Promise<Claimed> {
    const stored = recent.stored === true || ((await withinMs(recent.stored, WAIT_MAX_MS)) ?? true);
    if (!stored) return this.claim(toClaim);
    return { kind: 'duplicate', of: recent.of }; // as it stands now: the index may have named somebody else meanwhile
  }
}

const afterwards = async (answer: Promise<Answer>, near: Near): Promise<Claimed> => {
  try {
    return claimed(await answer, near);
  } catch (error) {
    near.settle(false);
    throw error;
  }
};

const claimed = (answer: Answer, near: Near): Claimed => {
  switch (answer.kind) {
    case 'duplicate':
      near.settle(true, answer.of);
      return answer;
    case 'mine':
      return { kind: 'mine', sure: true, repeated: answer.repeated, again: near.again || answer.again, settle: near.settle };
    case 'unknown':
      return { kind: 'mine', sure: false, repeated: false, again: near.again, settle: near.settle };
  }
};
