import type { Gate } from '@spillway/attempts';
import type { Outcome } from '@spillway/delivery';
import type { Metrics } from '@spillway/telemetry';

/** Seconds. From a local receiver's milliseconds to the default deadline of 15 s. */
const DURATIONS_S = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 15, 30];
/** Seconds from acceptance to the start of the first attempt; the service level is 5 s. */
const STARTED_S = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 60, 600];

/** What is counted of attempts, beside the path that makes them. */
export class DispatcherMetrics {
  private readonly attempts;
  private readonly durations;
  private readonly started;
  private crashes = 0;
  private losses = 0;

  constructor(metrics: Metrics, gate: Gate) {
    this.attempts = metrics.counter('spillway_attempts_total', 'Attempts made, by outcome.');
    this.durations = metrics.histogram('spillway_attempt_duration_seconds', 'How long attempts took.', DURATIONS_S);
    this.started = metrics.histogram('spillway_attempt_started_after_seconds', 'From acceptance of the event to the start of the attempt.', STARTED_S);
    metrics.counter('spillway_handler_crashes_total', 'Deliveries that could not be worked and come again.', () => this.crashes);
    metrics.counter('spillway_shard_losses_total', 'Outcomes that another owner settles, because the shard was lost meanwhile.', () => this.losses);
    metrics.gauge('spillway_attempts_in_flight', 'Attempts under way.', () => gate.attemptsInFlight);
    metrics.gauge('spillway_deliveries_waiting_in_memory', 'Deliveries that wait in memory for a slot of their endpoint.', () => gate.waitingNow);
    metrics.gauge('spillway_deliveries_waiting_in_memory_bytes', 'Their bytes.', () => gate.bytesWaiting);
  }

  attempted(outcome: Outcome, durationMs: number, startedAfterMs: number): void {
    this.attempts.add(1, { outcome: outcome.kind === 'delivered' ? 'delivered' : outcome.reason });
    this.durations.record(durationMs / 1_000);
    this.started.record(startedAfterMs / 1_000);
  }

  crashed(): void {
    this.crashes += 1;
  }

  lost(): void {
    this.losses += 1;
  }
}
