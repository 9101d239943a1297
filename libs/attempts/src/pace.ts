const FIRST_PER_SECOND = 250;
const MOST_PER_SECOND = 8_000;

/**
 * How fast a backlog of due retries is begun: 250 in the first second, twice as many in each that used its number up, and from the beginning after one that
 * did not need half of it. So neither an hour of downtime nor a resume is followed by a stampede, and the usual trickle never notices.
 */
export class Pace {
  private perSecond = FIRST_PER_SECOND;
  private begun = 0;
  private since = 0;

  /** How many may begin now. */
  available(nowMs: number): number {
    this.turn(nowMs);
    return Math.max(0, this.perSecond - this.begun);
  }

  took(): void {
    this.begun += 1;
  }

  /** It was not begun after all: whoever is suspended uses up nobody's pace. */
  gaveBack(): void {
    if (this.begun > 0) this.begun -= 1;
  }

  /** From the beginning: something was resumed. */
  restart(): void {
    this.perSecond = FIRST_PER_SECOND;
  }

  private turn(nowMs: number): void {
    if (nowMs - this.since < 1_000) return;
    if (this.begun >= this.perSecond) this.perSecond = Math.min(MOST_PER_SECOND, this.perSecond * 2);
    else if (this.begun < this.perSecond / 2) this.perSecond = FIRST_PER_SECOND;
    this.begun = 0;
    this.since = nowMs;
  }
}
