import type { Gate } from './gate.ts';
import type { Plane } from './plane.ts';
import type { FailureKind } from '@spillway/contracts';
import type { Outcome } from '@spillway/delivery';
import type { Logger, Metrics } from '@spillway/telemetry';

/** Seconds. From a local receiver's milliseconds to the default deadline of 15 s. */
const DURATIONS_S = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 15, 30];
/** Seconds from acceptance to the start of the first attempt; the service level is 5 s. */
const STARTED_S = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 60, 600];

const OURS_SAID_EVERY_MS = 60_000;

const deadLetters = ([key, value]: [string, number]): { value: number; labels: { reason: string; kept: string } } => {
  const [reason = '', kept = ''] = key.split(' ');
  return { value, labels: { reason, kept } };
};

/** What is counted of attempts, beside the path that makes them. */
export class AttemptsMetrics {
  private readonly attempts;
  private readonly durations;
  private readonly started;
  private readonly faultsOfOurs;
  private oursSaidAt = Number.NEGATIVE_INFINITY;
  private crashes = 0;
  private losses = 0;

  constructor(metrics: Metrics, gate: Gate, plane: Plane) {
    this.attempts = metrics.counter('spillway_attempts_total', 'Attempts made, by outcome.');
    this.durations = metrics.histogram('spillway_attempt_duration_seconds', 'How long attempts took.', DURATIONS_S);
    this.started = metrics.histogram('spillway_attempt_started_after_seconds', 'From acceptance of the event to the start of the attempt.', STARTED_S);
    this.faultsOfOurs = metrics.counter('spillway_faults_of_ours_total', 'Failed attempts that were charged to nobody, because so many endpoints failed alike.');
    metrics.counter('spillway_deliveries_parked_total', 'Deliveries sent to wait for their endpoint, by reason.', () => [...plane.parkings].map(([reason, value]) => ({ value, labels: { reason } })));
    metrics.counter('spillway_deliveries_refused_total', 'Deliveries that a full stream had no room for, by stream.', () => [...plane.refusals].map(([stream, value]) => ({ value, labels: { stream } })));
    metrics.counter('spillway_dead_letters_total', 'Deliveries given up, by reason; kept: whether WEBHOOK_DEAD had room.', () => [...plane.deadLetters].map(deadLetters));
    metrics.gauge('spillway_circuits_open', 'Endpoints whose circuit is not closed.', () => gate.circuitsOpen);
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

  /** Counted each time, said once a minute. @returns whether it was said now */
  ours(kind: FailureKind, log: Logger): boolean {
    this.faultsOfOurs.add(1, { kind });
    const now = performance.now();
    if (now - this.oursSaidAt < OURS_SAID_EVERY_MS) return false;
    this.oursSaidAt = now;
    log.error({ kind }, 'so many endpoints fail alike that the fault is ours: look at our DNS and our network. Attempts are not charged meanwhile');
    return true;
  }

  crashed(): void {
    this.crashes += 1;
  }

  lost(): void {
    this.losses += 1;
  }
}
