/** What a look at the event loop finds, `tookMs` after the look before. */
export type Look = { beat: number; tookMs: number; cpuMs: number };
/** For how long it has stood still, as far as that counts, and what the process has computed meanwhile. */
export type Stillness = { beat: number; stillMs: number; cpuMs: number };

/** A look counts for no more than this: after a pause of the whole process (SIGSTOP, a laptop asleep) both threads wake together, and the loop turns before the next look. */
const COUNTS_MAX_MS = 500;
/** Standing still without computing is waiting for a turn on a busy machine, or for a disk: that gets longer. */
const IDLE_TIMES = 5;

export const noticed = ({ beat, stillMs, cpuMs }: Stillness, look: Look): Stillness =>
  look.beat === beat ? { beat, stillMs: stillMs + Math.min(look.tookMs, COUNTS_MAX_MS), cpuMs: cpuMs + look.cpuMs } : { beat: look.beat, stillMs: 0, cpuMs: 0 };

/** Whoever computes for most of `afterMs` without a turn of its loop is caught in one. */
export const isBlocked = ({ stillMs, cpuMs }: Stillness, afterMs: number): boolean => stillMs >= afterMs && (cpuMs >= afterMs * 0.6 || stillMs >= afterMs * IDLE_TIMES);
