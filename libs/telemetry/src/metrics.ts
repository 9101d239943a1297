import type { Exposition } from './exposition.ts';
import { Counter, Gauge, Histogram, type Instrument, type Observe } from './instruments.ts';
import { names } from './names.ts';
import { observeProcess } from './process-metrics.ts';

/** Prometheus' own rules; a unit last, `_total` after a counter. */
const NAME = /^[a-z][a-z0-9]*(?:_[a-z0-9]+)*$/;

export type Registered = { help: string; instrument: Instrument };

/** What this process counts and measures. Two of its parts that name the same metric share it. */
export class Metrics {
  private readonly registered = new Map<string, Registered>();
  private exposition: Promise<Exposition> | undefined;

  private readonly unreadable: Counter;

  constructor(readonly app: string) {
    this.gauge(names.info, 'which app this is, always 1', () => [{ value: 1, labels: { app, node: process.versions.node } }]);
    this.unreadable = this.counter(names.unreadable, 'observers that threw at a scrape, by metric');
    observeProcess(this);
  }

  /** `name` ends in `_total`. */
  counter(name: string, help: string, observe?: Observe): Counter {
    if (!name.endsWith('_total')) throw new RangeError(`counter ${name}: wanted a name that ends in _total`);
    const counter = this.register(name, help, 'counter', () => new Counter()) as Counter;
    if (observe) counter.observers.push(observe);
    return counter;
  }

  gauge(name: string, help: string, observe: Observe): void {
    (this.register(name, help, 'gauge', () => new Gauge()) as Gauge).observers.push(observe);
  }

  /** `buckets`: the upper bounds, rising, in the unit that the name ends with. */
  histogram(name: string, help: string, buckets: readonly number[]): Histogram {
    return this.register(name, help, 'histogram', () => new Histogram(buckets)) as Histogram;
  }

  /**
   * The Prometheus text. OpenTelemetry is loaded by the first call, not before: it takes 17 MB and 60 ms,
   * and nothing is lost meanwhile, since what is counted is kept here.
   */
  async render(): Promise<string> {
    this.exposition ??= import('./exposition.ts').then(({ Exposition: Loaded }) => new Loaded(this.registered, (metric) => this.unreadable.add(1, { metric })));
    return (await this.exposition).render();
  }

  private register(name: string, help: string, kind: Instrument['kind'], make: () => Instrument): Instrument {
    const known = this.registered.get(name)?.instrument;
    if (known !== undefined && known.kind !== kind) throw new Error(`metric ${name} is a ${known.kind} already, not a ${kind}`);
    if (known !== undefined) return known;
    if (!NAME.test(name)) throw new RangeError(`metric name ${JSON.stringify(name)}: wanted lower case, digits and single underscores`);
    const instrument = make();
    this.registered.set(name, { help, instrument });
    return instrument;
  }
}
