import type { DeadFilters } from '../dead/dead-filters.ts';

export type JobState = 'running' | 'done' | 'cancelled';
export type JobCounts = {
  /** Dead letters looked at, and of these meant. */
  looked: number;
  meant: number;
  replayed: number;
  /** Meant, and left where they are: nobody can read them, or their endpoint was deleted. */
  skipped: number;
};

/** `job.<id>` in `webhook_control`: what was asked for, and how far it has come. Whoever works it goes on from here. */
export type Job = {
  id: string;
  kind: 'dead.replay';
  filters: DeadFilters;
  /** Just this one. */
  letter?: string;
  by: string;
  at: string;
  state: JobState;
  /** Of WEBHOOK_DEAD: what died later is not meant, else a job whose replays die again would never end. */
  upTo: number;
  next: number;
  counts: JobCounts;
  /** Why nothing moves at the moment. */
  waitsFor?: 'ingest';
  updatedAt: string;
};

export const JOB_PREFIX = 'job.';
export const jobKey = (id: string): string => `${JOB_PREFIX}${id}`;

/** `undefined` for what no writer of ours has written. */
export const readJob = (text: string): Job | undefined => {
  try {
    const value = JSON.parse(text) as Partial<Job> | null;
    const whole = typeof value?.id === 'string' && value.kind === 'dead.replay' && typeof value.state === 'string' && typeof value.upTo === 'number' && typeof value.next === 'number';
    return whole ? (value as Job) : undefined;
  } catch {
    return undefined;
  }
};
