import { monitorEventLoopDelay } from 'node:perf_hooks';
import type { Metrics } from './metrics.ts';
import { names } from './names.ts';

const MICROS = 1e6;
const NANOS = 1e9;

/** What every process says about itself, under the names that existing dashboards for Node know. */
export const observeProcess = (metrics: Metrics): void => {
  metrics.counter(names.process.cpu, 'CPU time, user and system', cpuSeconds);
  metrics.gauge(names.process.memory, 'resident set size', () => process.memoryUsage.rss());
  metrics.gauge(names.process.uptime, 'time since the start', () => process.uptime());
  metrics.gauge(names.process.heap, 'V8 heap in use', () => process.memoryUsage().heapUsed);
  metrics.gauge(names.process.eventLoopLag, 'how late timers fired since the last scrape', eventLoopLag());
};

const cpuSeconds = (): number => {
  const { user, system } = process.cpuUsage();
  return (user + system) / MICROS;
};

/** The sampler is a timer inside libuv of 20 ms; that much is subtracted, being asked for and not late. */
const RESOLUTION_MS = 20;

const eventLoopLag = () => {
  const delay = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
  delay.enable();
  const late = (nanos: number): number => (delay.count === 0 ? 0 : Math.max(0, nanos / NANOS - RESOLUTION_MS / 1_000));
  return () => {
    const seen = [
      { value: late(delay.percentile(50)), labels: { quantile: '0.5' } },
      { value: late(delay.percentile(99)), labels: { quantile: '0.99' } },
      { value: late(delay.max), labels: { quantile: '1' } },
    ];
    delay.reset();
    return seen;
  };
};
