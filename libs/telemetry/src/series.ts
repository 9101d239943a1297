export type Labels = Readonly<Record<string, string>>;
export type Sample = { value: number; labels?: Labels };

type Series<T> = { readonly labels: Labels; readonly value: T };

/** What is over the limit is counted together, under OpenTelemetry's own name for it, rather than lost. */
const OVERFLOW: Labels = { otel_metric_overflow: 'true' };
/** The OpenTelemetry SDK's own default. A label of unbounded values (a tenant, an id) would hold memory for ever. */
export const MAX_SERIES = 2_000;

/** One value for each combination of labels. Reading one again costs a look-up, holding on to it costs nothing. */
export class SeriesOf<T> {
  /** By the labels as they were written: those of two callers who write them in another order lead to the same series. */
  private readonly asWritten = new Map<string, Series<T>>();
  private readonly bySorted = new Map<string, Series<T>>();

  constructor(private readonly make: () => T) {}

  of(labels: Labels = {}): T {
    const key = keyOf(labels);
    return (this.asWritten.get(key) ?? this.add(key, labels)).value;
  }

  get all(): Iterable<Series<T>> {
    return this.bySorted.values();
  }

  private add(key: string, written: Labels): Series<T> {
    const labels = Object.fromEntries(Object.entries(written).toSorted(([a], [b]) => (a < b ? -1 : 1)));
    const sorted = keyOf(labels);
    let series = this.bySorted.get(sorted);
    if (series === undefined && this.bySorted.size >= MAX_SERIES && written !== OVERFLOW) return { labels: OVERFLOW, value: this.of(OVERFLOW) };
    if (series === undefined) this.bySorted.set(sorted, (series = { labels, value: this.make() }));
    this.asWritten.set(key, series);
    return series;
  }
}

const keyOf = (labels: Labels): string => {
  let key = '';
  for (const name in labels) key += `${name}\u0000${labels[name]}\u0000`;
  return key;
};
