/** An endpoint is disabled by time, not by count: five days without one success, whatever its traffic. */
export const DISABLE_AFTER_MS = 5 * 86_400_000;

/** Its owner is told on the way, at a fifth (a day) and at four fifths (a day before the end). */
const WARN_RATIOS = [0.2, 0.8] as const;

/** 0: nothing to say yet; 1 and 2: warned for the first, the last time; 3: disabled. It only grows while `failingSince` stands: say what is new. */
export type FailingStage = 0 | 1 | 2 | 3;

export const failingStage = (failingSince: Date, now: Date): FailingStage => {
  const ratio = (now.getTime() - failingSince.getTime()) / DISABLE_AFTER_MS;
  if (ratio >= 1) return 3;
  if (ratio >= WARN_RATIOS[1]) return 2;
  return ratio >= WARN_RATIOS[0] ? 1 : 0;
};
