import { AgingMap } from '../aging-map.ts';
import type { ToClaim } from './dedupe-index.ts';
import { isOfOneMessage } from './mark.ts';

/** A claim that could not be made when its event came, or one that is to be taken back. */
export type Postponed = { claim: ToClaim; giveUp: boolean; sinceMs: number };

/** About 300 B each: 15 MB. */
const CLAIMS_MAX = 50_000;
/** Of messages that went to the pipeline's dead letters while the store was away: rare, and worth more than claims. */
const GIVEN_UP_MAX = 5_000;

/** What the store is told when it is back: which events passed meanwhile, so that their repetitions are known. Bounded: the eldest go first, their repetitions are the least likely. */
export class PostponedClaims {
  private readonly claims = new AgingMap<Postponed>();
  private readonly givenUp = new AgingMap<Postponed>();
  /** Forgotten for want of room. */
  dropped = 0;

  constructor(
    private readonly maxClaims = CLAIMS_MAX,
    private readonly maxGivenUp = GIVEN_UP_MAX,
  ) {}

  get size(): number {
    return this.claims.size + this.givenUp.size;
  }

  /** @param nowMs monotonic */
  add(claim: ToClaim, nowMs: number): void {
    this.push(this.claims, this.maxClaims, { claim, giveUp: false, sinceMs: nowMs });
  }

  /** Also forgets its claim. */
  addGivenUp(claim: ToClaim, nowMs: number): void {
    const known = this.claims.get(claim.key);
    if (known && isOfOneMessage(known.claim.mark, claim.mark)) this.claims.delete(claim.key, known);
    this.push(this.givenUp, this.maxGivenUp, { claim, giveUp: true, sinceMs: nowMs });
  }

  /** Takes up to so many out: what is given up first. */
  take(count: number): Postponed[] {
    const taken: Postponed[] = [];
    while (taken.length < count) {
      const next = this.givenUp.shift() ?? this.claims.shift();
      if (next === undefined) break;
      taken.push(next);
    }
    return taken;
  }

  /** They could not be told after all. */
  putBack(taken: readonly Postponed[]): void {
    for (const postponed of taken) this.push(postponed.giveUp ? this.givenUp : this.claims, postponed.giveUp ? this.maxGivenUp : this.maxClaims, postponed);
  }

  private push(to: AgingMap<Postponed>, max: number, postponed: Postponed): void {
    const { key } = postponed.claim;
    // the first to claim is the one that others are duplicates of
    if (to.get(key) !== undefined) return;
    if (to.size >= max && to.shift()) this.dropped += 1;
    to.set(key, postponed);
  }
}
