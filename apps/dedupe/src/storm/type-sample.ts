import type { PathSegment } from '@spillway/contracts';
import { AgingMap } from '../aging-map.ts';
import type { Likeness } from './likeness.ts';

/** What was seen once, and may be seen again. */
type Group = { key: number; firstAtMs: number; event: string; times: Map<string, number> };
/** What came in one slice of time. */
type Slice = { seen: number; repeats: number };

export type Finding = {
  /** Of repetitions among all, 0..1. */
  ratio: number;
  /** What differed between them. */
  ignore: PathSegment[][];
  example: { event: string; of: string };
};

/** About 250 B each: 1 MB. */
const GROUPS_MAX = 4_096;
const REMEMBERED_MS = 60_000;
const SLICES = 6;
/** Fewer say nothing. */
const SEEN_MIN = 50;

const nameOf = (path: readonly PathSegment[]): string => path.map((segment) => segment ?? '*').join('\0');

/** Elements of one array share a path. */
const timesByName = (times: Likeness['times']): Map<string, number> => {
  const byName = new Map<string, number>();
  for (const { path, hash } of times) byName.set(nameOf(path), (byName.get(nameOf(path)) ?? 0) + hash);
  return byName;
};

/** A sample of one type's events: how many of them say what one before said, but for which times? Bounded: when it is full, only every second (fourth, …) content is looked at. */
export class TypeSample {
  private readonly groups = new AgingMap<Group>();
  private readonly slices: Slice[] = [{ seen: 0, repeats: 0 }];
  private readonly differing = new Map<string, PathSegment[]>();
  private example: Finding['example'] | undefined;
  /** Only contents whose hash ends in so many zero bits: chosen by content, so that every repetition of what is looked at is seen. */
  private shift = 0;

  add({ key, times }: Likeness, event: string, nowMs: number): void {
    if (key % 2 ** this.shift !== 0) return;
    const slice = this.slices[0] as Slice;
    slice.seen += 1;
    const group = this.groups.get(String(key));
    if (group === undefined || nowMs - group.firstAtMs > REMEMBERED_MS) return this.remember({ key, firstAtMs: nowMs, event, times: timesByName(times) });
    slice.repeats += 1;
    this.example = { event, of: group.event };
    this.compare(group, times);
  }

  /** Another slice of time begins. */
  turn(): void {
    this.slices.unshift({ seen: 0, repeats: 0 });
    this.slices.length = Math.min(this.slices.length, SLICES);
  }

  /** `undefined` while there is too little to say. */
  find(): Finding | undefined {
    const seen = this.sum('seen');
    if (seen * 2 ** this.shift < SEEN_MIN || this.example === undefined) return undefined;
    return { ratio: this.sum('repeats') / seen, ignore: [...this.differing.values()], example: this.example };
  }

  private sum(field: keyof Slice): number {
    return this.slices.reduce((total, slice) => total + slice[field], 0);
  }

  private remember(group: Group): void {
    if (this.groups.size >= GROUPS_MAX) this.halve();
    this.groups.set(String(group.key), group);
  }

  /** Half of the contents, by their hash, and with the others what was counted of them. */
  private halve(): void {
    this.shift += 1;
    const kept: Group[] = [];
    for (let group = this.groups.shift(); group !== undefined; group = this.groups.shift()) if (group.key % 2 ** this.shift === 0) kept.push(group);
    for (const group of kept) this.groups.set(String(group.key), group);
    for (const slice of this.slices) Object.assign(slice, { seen: slice.seen / 2, repeats: slice.repeats / 2 });
  }

  private compare(group: Group, times: Likeness['times']): void {
    const now = timesByName(times);
    for (const { path } of times) if (now.get(nameOf(path)) !== group.times.get(nameOf(path))) this.differing.set(nameOf(path), path);
  }
}
