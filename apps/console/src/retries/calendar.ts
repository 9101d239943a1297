import { readRetryAt } from '@spillway/topology';

/** So many retries are due at this time (RFC 3339), or from it on until the next entry's. */
export type CalendarEntry = { at: string; count: number };

/** A page on a screen, and 30 KB of an answer. A day of retries has up to 2,148 buckets. */
const ENTRIES_MAX = 500;
/** Seconds: from the narrowest bucket to a day. */
const STEPS_S = [1, 10, 60, 600, 3_600, 86_400] as const;

/** Messages by due time, over all shards, earliest first. */
const byDueTime = (subjects: Iterable<readonly [string, number]>): [number, number][] => {
  const due = new Map<number, number>();
  for (const [subject, count] of subjects) {
    const at = readRetryAt(subject)?.dueAt.getTime();
    if (at !== undefined) due.set(at, (due.get(at) ?? 0) + count);
  }
  return [...due].toSorted(([a], [b]) => a - b);
};

const grouped = (due: readonly [number, number][], stepMs: number): CalendarEntry[] => {
  const entries: CalendarEntry[] = [];
  let group = Number.NaN;
  for (const [at, count] of due) {
    const last = entries.at(-1);
    if (last && Math.floor(at / stepMs) === group) last.count += count;
    else entries.push({ at: new Date(at).toISOString(), count });
    group = Math.floor(at / stepMs);
  }
  return entries;
};

/** What waits in the calendar and when it is due, in steps as fine as fit: each entry names the earliest due time in it. */
export const calendarOf = (subjects: Iterable<readonly [string, number]>, entriesMax = ENTRIES_MAX): CalendarEntry[] => {
  const due = byDueTime(subjects);
  for (const seconds of STEPS_S) {
    const entries = grouped(due, seconds * 1_000);
    if (entries.length <= entriesMax) return entries;
  }
  // more than a year of days: nobody plans that far, so the end is one entry
  const days = grouped(due, 86_400_000);
  const rest = days.slice(entriesMax - 1);
  return [...days.slice(0, entriesMax - 1), { at: (rest[0] as CalendarEntry).at, count: rest.reduce((sum, { count }) => sum + count, 0) }];
};

/** Of these, what should have been begun before now. */
export const overdueOf = (subjects: Iterable<readonly [string, number]>, nowMs: number): number => {
  let overdue = 0;
  for (const [subject, count] of subjects) {
    const at = readRetryAt(subject)?.dueAt.getTime();
    if (at !== undefined && at < nowMs) overdue += count;
  }
  return overdue;
};
