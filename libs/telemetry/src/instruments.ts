import { SeriesOf, type Labels, type Sample } from './series.ts';

/** Read when somebody asks; a number stands for one sample without labels. */
export type Observe = () => number | readonly Sample[];

export type Point = { labels: Labels; value: number };
export type HistogramPoint = { labels: Labels; counts: readonly number[]; sum: number; count: number };

const samplesOf = (observe: Observe): readonly Sample[] => {
  const seen = observe();
  return typeof seen === 'number' ? [{ value: seen }] : seen;
};

/** Several observers of one name, such as one for each publisher, add up where their labels are the same. */
const observed = (observers: readonly Observe[], into = new SeriesOf(() => ({ n: 0 }))): Point[] => {
  for (const sample of observers.flatMap(samplesOf)) into.of(sample.labels).n += sample.value;
  return [...into.all].map(({ labels, value }) => ({ labels, value: value.n }));
};

/** A plain number for each combination of labels: counting costs an addition, the rest is done by whoever reads. */
export class Counter {
  readonly kind = 'counter';
  readonly observers: Observe[] = [];
  private readonly series = new SeriesOf(() => ({ n: 0 }));

  add(n = 1, labels?: Labels): void {
    this.series.of(labels).n += n;
  }

  /** The same counter with its labels looked up once: for what is counted for every event. */
  with(labels: Labels): { add(n?: number): void } {
    const cell = this.series.of(labels);
    return { add: (n = 1) => void (cell.n += n) };
  }

  points(): Point[] {
    const sum = new SeriesOf(() => ({ n: 0 }));
    for (const { labels, value } of this.series.all) sum.of(labels).n += value.n;
    return observed(this.observers, sum);
  }
}

export class Gauge {
  readonly kind = 'gauge';
  readonly observers: Observe[] = [];

  points(): Point[] {
    return observed(this.observers);
  }
}

type Cells = { counts: number[]; sum: number; count: number };

/** Counts by upper bound, in plain arrays. The last count is of what lies above every bound. */
export class Histogram {
  readonly kind = 'histogram';
  private readonly series: SeriesOf<Cells>;

  constructor(readonly buckets: readonly number[]) {
    if (buckets.length === 0 || buckets.some((bound, i) => i > 0 && bound <= buckets[i - 1]!)) {
      throw new RangeError(`histogram bounds [${buckets.join(', ')}]: wanted at least one, each above the one before`);
    }
    this.series = new SeriesOf(() => ({ counts: Array.from({ length: buckets.length + 1 }, () => 0), sum: 0, count: 0 }));
  }

  record(value: number, labels?: Labels): void {
    this.put(this.series.of(labels), value);
  }

  with(labels: Labels): { record(value: number): void } {
    const cells = this.series.of(labels);
    return { record: (value) => this.put(cells, value) };
  }

  points(): HistogramPoint[] {
    return [...this.series.all].map(({ labels, value }) => ({ labels, ...value, counts: [...value.counts] }));
  }

  /** Most values are small, so a walk from below is shorter than a bisection. */
  private put(cells: Cells, value: number): void {
    let i = 0;
    while (i < this.buckets.length && value > this.buckets[i]!) i++;
    cells.counts[i]! += 1;
    cells.sum += value;
    cells.count += 1;
  }
}

export type Instrument = Counter | Gauge | Histogram;
