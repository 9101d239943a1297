import { ValueType, type HrTime } from '@opentelemetry/api';
import { PrometheusExporter, PrometheusSerializer } from '@opentelemetry/exporter-prometheus';
import { AggregationTemporality, DataPointType, MeterProvider, type MetricData, type ScopeMetrics } from '@opentelemetry/sdk-metrics';
import type { Instrument } from './instruments.ts';
import type { Registered } from './metrics.ts';

/** Puts our plain numbers beside what OpenTelemetry's own reader collects, and writes both as Prometheus text. */
export class Exposition {
  private readonly reader = new PrometheusExporter({ preventServerStart: true }); // served by the app itself, beside /healthz
  readonly provider = new MeterProvider({ readers: [this.reader] });
  // Neither scope nor target labels: a series is told apart by its job and instance at the scraper, as everywhere in Prometheus.
  private readonly serializer = new PrometheusSerializer(undefined, false, undefined, true, true);
  private readonly since = now();

  constructor(private readonly registered: ReadonlyMap<string, Registered>, private readonly failed: (metric: string, error: unknown) => void) {}

  async render(): Promise<string> {
    const { resourceMetrics } = await this.reader.collect();
    return this.serializer.serialize({ ...resourceMetrics, scopeMetrics: [this.ours(), ...resourceMetrics.scopeMetrics] });
  }

  private ours(): ScopeMetrics {
    const endTime = now();
    const metrics: MetricData[] = [];
    for (const [name, { help, instrument }] of this.registered) {
      try {
        const data = this.dataOf(name, help, instrument, endTime);
        if (data.dataPoints.length > 0) metrics.push(data);
      } catch (error) {
        this.failed(name, error); // one observer that throws does not hide the other metrics
      }
    }
    return { scope: { name: 'spillway' }, metrics };
  }

  private dataOf(name: string, help: string, instrument: Instrument, endTime: HrTime): MetricData {
    const descriptor = { name, description: help, unit: '', valueType: ValueType.DOUBLE };
    const base = { descriptor, aggregationTemporality: AggregationTemporality.CUMULATIVE };
    const at = { startTime: this.since, endTime };
    if (instrument.kind === 'histogram') {
      const dataPoints = instrument.points().map(({ labels, counts, sum, count }) => ({
        ...at,
        attributes: labels,
        value: { buckets: { boundaries: [...instrument.buckets], counts: [...counts] }, sum, count },
      }));
      return { ...base, dataPointType: DataPointType.HISTOGRAM, dataPoints };
    }
    const dataPoints = instrument.points().map(({ labels, value }) => ({ ...at, attributes: labels, value }));
    return instrument.kind === 'counter'
      ? { ...base, dataPointType: DataPointType.SUM, isMonotonic: true, dataPoints }
      : { ...base, dataPointType: DataPointType.GAUGE, dataPoints };
  }
}

const now = (): HrTime => {
  const ms = Date.now();
  return [Math.trunc(ms / 1_000), (ms % 1_000) * 1_000_000];
};
