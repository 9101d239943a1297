import { printIgnoredPath, type DroppedAtDoor, type Fact } from '@spillway/contracts';
import { dataOf } from '../data-of.ts';
import { CpuBudget } from './cpu-budget.ts';
import { likenessOf } from './likeness.ts';
import { TypeSample, type Finding } from './type-sample.ts';

export type Observed = {
  tenant: string;
  type: string;
  event: string;
  body: Uint8Array;
  /** Went on, or was dropped: as what. */
  as: 'new' | 'id' | 'content';
};

export type StormOptions = {
  /** From which share of duplicates on, 0..1. */
  ratioMin: number;
  /** And from how many within the half minute that is looked at. */
  duplicatesMin: number;
  tell: (storm: Storm) => void;
  nowMs?: () => number;
};

/** What is watched, and what is not for want of room: only that may hide a storm. */
export type WatchState = {
  types: number;
  /** Of them, whose contents are looked into. */
  samples: number;
  /** Of them, which come often enough for that, and whose contents are not. */
  unsampled: number;
  /** Since the start: events of other types. Which those are is not remembered: nothing bounds their number. */
  unwatched: number;
};

export type Storm = {
  tenant: string;
  type: string;
  by: 'id' | 'content';
  events: number;
  duplicates: number;
  overMs: number;
  finding?: Finding;
};

type Slice = { new: number; id: number; content: number };
type Watched = { tenant: string; type: string; slices: Slice[]; sample?: TypeSample; storm?: Storm; toldAtMs: number };

/** What is looked at is the last half minute. */
export const SLICE_MS = 5_000;
const SLICES = 6;
const TYPES_MAX = 1_000;
/** Types that come often enough are looked into, so many at a time: 4,096 contents each are 1 MB. */
const SAMPLES_MAX = 16;
const OFTEN_IN_A_SLICE = 25;
/** One part in a hundred of the time, whatever the load: measured, and what is dear is looked at less often. */
const CPU_SHARE = 0.01;
const CPU_BURST_MS = 20;
/** A storm that lasts is said again. */
const TELL_AGAIN_MS = 300_000;

const monotonic = (): number => performance.now();
const sum = (slices: readonly Slice[], field: keyof Slice): number => slices.reduce((total, slice) => total + slice[field], 0);

/** Notices when most events of a tenant's type are repetitions, dropped or (without a rule) delivered, and finds the rule that would stop it. Bounded in memory and in time. */
export class StormWatch {
  private readonly types = new Map<string, Watched>();
  private readonly nowMs: () => number;
  private readonly budget: CpuBudget;
  private samples = 0;
  private unwatched = 0;

  constructor(private readonly options: StormOptions) {
    this.nowMs = options.nowMs ?? monotonic;
    this.budget = new CpuBudget(CPU_SHARE, CPU_BURST_MS, monotonic);
  }

  get storms(): Storm[] {
    return [...this.types.values()].flatMap(({ storm }) => storm ?? []);
  }

  get state(): WatchState {
    const unsampled = [...this.types.values()].filter(({ sample, slices }) => sample === undefined && slices.some((slice) => slice.new >= OFTEN_IN_A_SLICE)).length;
    return { types: this.types.size, samples: this.samples, unsampled, unwatched: this.unwatched };
  }

  observe({ tenant, type, event, body, as }: Observed): void {
    const watched = this.watchedOf(tenant, type, 1);
    if (watched === undefined) return;
    const slice = watched.slices[0] as Slice;
    slice[as] += 1;
    if (as !== 'new') return;
    if (watched.sample === undefined && slice.new >= OFTEN_IN_A_SLICE && this.samples < SAMPLES_MAX) {
      watched.sample = new TypeSample();
      this.samples += 1;
    }
    const { sample } = watched;
    if (sample) this.budget.spend(() => this.look(sample, body, event));
  }

  /** Dropped by id before it came here. */
  addDropped({ tenant, type, count }: DroppedAtDoor): void {
    const watched = this.watchedOf(tenant, type, count);
    if (watched) (watched.slices[0] as Slice).id += count;
  }

  /** Once a slice. */
  turn(): void {
    for (const [key, watched] of this.types) {
      this.judge(watched);
      watched.slices.unshift({ new: 0, id: 0, content: 0 });
      watched.slices.length = Math.min(watched.slices.length, SLICES);
      watched.sample?.turn();
      if (sum(watched.slices, 'new') < OFTEN_IN_A_SLICE && watched.sample) this.stopLooking(watched);
      if (watched.slices.every((slice) => slice.new + slice.id + slice.content === 0)) this.types.delete(key);
    }
  }

  private look(sample: TypeSample, body: Uint8Array, event: string): void {
    const likeness = likenessOf(dataOf(body), Date.now());
    if (likeness) sample.add(likeness, event, this.nowMs());
  }

  private watchedOf(tenant: string, type: string, events: number): Watched | undefined {
    const key = `${tenant} ${type}`;
    const known = this.types.get(key);
    if (known) return known;
    if (this.types.size >= TYPES_MAX) {
      this.unwatched += events;
      return undefined;
    }
    const watched: Watched = { tenant, type, slices: [{ new: 0, id: 0, content: 0 }], toldAtMs: Number.NEGATIVE_INFINITY };
    this.types.set(key, watched);
    return watched;
  }

  private stopLooking(watched: Watched): void {
    delete watched.sample;
    this.samples -= 1;
  }

  private judge(watched: Watched): void {
    const storm = this.stormOf(watched);
    if (storm) watched.storm = storm;
    else delete watched.storm;
    if (!storm || this.nowMs() - watched.toldAtMs < TELL_AGAIN_MS) return;
    watched.toldAtMs = this.nowMs();
    this.options.tell(storm);
  }

  private stormOf({ tenant, type, slices, sample }: Watched): Storm | undefined {
    const { ratioMin, duplicatesMin } = this.options;
    const [events, byId, byContent] = [sum(slices, 'new') + sum(slices, 'id') + sum(slices, 'content'), sum(slices, 'id'), sum(slices, 'content')];
    const said = { tenant, type, events, overMs: slices.length * SLICE_MS };
    const dropped = byId >= byContent ? { by: 'id' as const, duplicates: byId } : { by: 'content' as const, duplicates: byContent };
    if (dropped.duplicates >= duplicatesMin && dropped.duplicates >= ratioMin * events) return { ...said, ...dropped };
    const finding = sample?.find();
    if (finding === undefined || finding.ratio < ratioMin) return undefined;
    const duplicates = Math.round(finding.ratio * sum(slices, 'new'));
    return duplicates >= duplicatesMin ? { ...said, by: 'content', duplicates, finding } : undefined;
  }
}

/** Long enough for what is sent again within minutes; whoever makes the rule knows better. */
const SUGGESTED_WINDOW_SECONDS = 3_600;

export const stormFact = ({ tenant, type, by, events, duplicates, overMs, finding }: Storm, now: Date): Fact => ({
  v: 1,
  type: 'dedupe.storm',
  at: now.toISOString(),
  tenant,
  app: 'dedupe',
  eventType: type,
  by,
  events,
  duplicates,
  overMs,
  ...(finding && { example: finding.example, rule: { tenant, type, ignore: finding.ignore.map((path) => printIgnoredPath(path)), windowSeconds: SUGGESTED_WINDOW_SECONDS } }),
});
