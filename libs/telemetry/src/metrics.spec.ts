import { Metrics } from './metrics.ts';
import { MAX_SERIES } from './series.ts';

let metrics: Metrics;
beforeEach(() => {
  metrics = new Metrics('test');
});

const lines = async (name: string) => (await metrics.render()).split('\n').filter((line) => line.startsWith(name) || line.includes(` ${name} `));

it('counts by labels, and renders what Prometheus reads', async () => {
  const taken = metrics.counter('events_total', 'events taken');
  taken.add(2, { lane: 'fresh' });
  taken.add(1, { lane: 'bulk' });
  const fresh = taken.with({ lane: 'fresh' });
  fresh.add();
  fresh.add(3);
  expect(await lines('events_total')).toEqual(['# HELP events_total events taken', '# TYPE events_total counter', 'events_total{lane="fresh"} 6', 'events_total{lane="bulk"} 1']);
});

it('takes labels in any order for the same series: Prometheus refuses a page that shows one twice', async () => {
  const counter = metrics.counter('events_total', 'events');
  counter.add(1, { b: '2', a: '1' });
  counter.add(1, { a: '1', b: '2' });
  expect(await lines('events_total{')).toEqual(['events_total{a="1",b="2"} 2']);
});

it('asks an observer only when somebody reads', async () => {
  let asked = 0;
  metrics.gauge('waiting_messages', 'messages that wait', () => ++asked);
  expect(asked).toBe(0);
  expect(await lines('waiting_messages')).toContain('waiting_messages 1');
  expect(await lines('waiting_messages')).toContain('waiting_messages 2');
});

it('adds up the observers of one name, by label', async () => {
  metrics.gauge('waiting_messages', 'messages that wait', () => [{ value: 3, labels: { stream: 'A' } }]);
  metrics.gauge('waiting_messages', 'messages that wait', () => [{ value: 4, labels: { stream: 'A' } }, { value: 5, labels: { stream: 'B' } }]);
  expect(await lines('waiting_messages{')).toEqual(['waiting_messages{stream="A"} 7', 'waiting_messages{stream="B"} 5']);
});

it('adds what a counter observes to what was counted', async () => {
  metrics.counter('sent_total', 'sent', () => 40).add(2);
  expect(await lines('sent_total ')).toContain('sent_total 42');
});

it('renders a histogram with cumulative buckets; a bound belongs to its bucket', async () => {
  const took = metrics.histogram('took_seconds', 'how long', [0.1, 1]);
  for (const seconds of [0.05, 0.1, 0.5, 1, 7]) took.record(seconds, { kind: 'x' });
  took.with({ kind: 'x' }).record(0.35);
  expect(await lines('took_seconds_')).toEqual([
    'took_seconds_count{kind="x"} 6',
    'took_seconds_sum{kind="x"} 9',
    'took_seconds_bucket{kind="x",le="0.1"} 2',
    'took_seconds_bucket{kind="x",le="1"} 5',
    'took_seconds_bucket{kind="x",le="+Inf"} 6',
  ]);
});

it('gives the same instrument to whoever names it again', async () => {
  metrics.counter('events_total', 'events').add();
  metrics.counter('events_total', 'events').add();
  expect(await lines('events_total ')).toContain('events_total 2');
});

it('refuses a name that means something else already, or that Prometheus would not take', () => {
  metrics.counter('events_total', 'events');
  expect(() => metrics.gauge('events_total', 'events', () => 1)).toThrow('events_total is a counter already, not a gauge');
  expect(() => metrics.counter('events', 'events')).toThrow('_total');
  expect(() => metrics.gauge('Events.per-tenant', '', () => 1)).toThrow(RangeError);
  expect(() => metrics.histogram('took_seconds', '', [1, 1])).toThrow(RangeError);
  expect(() => metrics.histogram('took_seconds', '', [])).toThrow(RangeError);
});

it('bounds the series of a label that has too many values, and still counts them', async () => {
  const counter = metrics.counter('events_total', 'events');
  for (let i = 0; i < MAX_SERIES + 500; i++) counter.add(1, { tenant: `t${i}` });
  const seen = await lines('events_total{');
  expect(seen).toHaveLength(MAX_SERIES + 1);
  expect(seen).toContain('events_total{otel_metric_overflow="true"} 500');
});

it('shows the other metrics when an observer throws, and counts that it did', async () => {
  metrics.gauge('broken_messages', 'throws', () => {
    throw new Error('no');
  });
  metrics.gauge('sound_messages', 'works', () => 1);
  expect(await lines('sound_messages ')).toContain('sound_messages 1');
  expect(await lines('spillway_metrics_unreadable_total{')).toEqual(['spillway_metrics_unreadable_total{metric="broken_messages"} 1']);
});

it('escapes what a label may hold', async () => {
  metrics.counter('events_total', 'a\nhelp').add(1, { reason: 'a "quote"\nand \\' });
  expect(await lines('events_total{')).toEqual([String.raw`events_total{reason="a \"quote\"\nand \\"} 1`]);
});

it('knows its process', async () => {
  const text = await metrics.render();
  expect(text).toMatch(/^spillway_app_info\{app="test",node="\d+/m);
  for (const name of ['process_cpu_seconds_total', 'process_resident_memory_bytes', 'process_uptime_seconds', 'nodejs_heap_size_used_bytes', 'nodejs_eventloop_lag_seconds{quantile="0.99"}']) {
    const value = Number(text.split('\n').find((line) => line.startsWith(`${name} `))?.split(' ')[1]);
    expect([name, value >= 0 && Number.isFinite(value)]).toEqual([name, true]);
  }
});
