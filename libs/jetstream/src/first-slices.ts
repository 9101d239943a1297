import { FORGIVEN_AFTER_MS } from './lease.ts';

/** Lost so often in a row, a shard may hold what crashes its owners; once is a kill or a freeze. */
export const WATCHED_FROM_LOSSES = 2;
/** As many of one subject as an owner may have in hand (512 of a bucket of the calendar), and of a shard (4,096): what the last owner had in hand is among them. */
const OF_A_SUBJECT = 512;
const OF_A_SHARD = 4_096;

/** Which messages of a subject queue are suspects, where nobody counts deliveries: the first ones that are read of a shard that was lost twice within minutes. */
export class FirstSlices {
  private readonly taken = new Map<string, number>();
  private left = OF_A_SHARD;
  private readonly until: number;

  constructor(private readonly clock: () => number = () => performance.now()) {
    this.until = clock() + FORGIVEN_AFTER_MS;
  }

  /** Asked once for each message that is taken. */
  includes(subject: string): boolean {
    if (this.left === 0) return false;
    if (this.clock() >= this.until) this.left = 0;
    const before = this.taken.get(subject) ?? 0;
    if (this.left === 0 || before === OF_A_SUBJECT) return false;
    this.taken.set(subject, before + 1);
    this.left -= 1;
    if (this.left === 0) this.taken.clear();
    return true;
  }
}
