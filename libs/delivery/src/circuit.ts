/** Whether anybody goes to an endpoint at all. Each app learns it from its own attempts. Times are milliseconds of a monotonic clock. */
export type Circuit =
  | { readonly is: 'closed'; readonly failuresInARow: number; readonly window: Window }
  /** Nobody goes until `probeAtMs`; then one. */
  | { readonly is: 'open'; readonly probeAtMs: number; readonly intervalMs: number }
  /** One attempt is under way, and its outcome decides. */
  | { readonly is: 'probing'; readonly intervalMs: number }
  /** The endpoint answered; a few go at once, twice as many after each success. */
  | { readonly is: 'closing'; readonly successes: number; readonly intervalMs: number };

type Window = { readonly sinceMs: number; readonly attempts: number; readonly failures: number };

export type CircuitEvent =
  | { type: 'probe_began' }
  | { type: 'probe_dropped' }
  | { type: 'succeeded' | 'failed'; probe?: boolean }
  | { type: 'asked_to_wait'; untilMs: number };

export type CircuitRules = {
  readonly failuresInARowMax: number;
  readonly failureRatioMax: number;
  /** Below this many attempts in a window the ratio says nothing. */
  readonly ratioAttemptsMin: number;
  readonly windowMs: number;
  readonly probeFirstMs: number;
  readonly probeMaxMs: number;
  readonly successesToClose: number;
};

/**
 * Five in a row: an endpoint that hangs has held two slots for one deadline and one slot for three more (the cap halves with it), and one that fails
 * one time in a hundred is cut off once in 10^10 attempts.
 * A probe after 1, 2, 4 … 60 s: an endpoint that is back waits at most a minute, a dead one costs one attempt a minute. Closed after four
 * successes, at 1, 2, 4 and 8 at once: by then the earned cap has its own say.
 */
export const circuitRules: CircuitRules = {
  failuresInARowMax: 5,
  failureRatioMax: 0.5,
  ratioAttemptsMin: 20,
  windowMs: 60_000,
  probeFirstMs: 1_000,
  probeMaxMs: 60_000,
  successesToClose: 4,
};

const closed = (nowMs: number): Circuit => ({ is: 'closed', failuresInARow: 0, window: { sinceMs: nowMs, attempts: 0, failures: 0 } });
const opened = (intervalMs: number, nowMs: number): Circuit => ({ is: 'open', probeAtMs: nowMs + intervalMs, intervalMs });
const reopened = (intervalMs: number, nowMs: number, rules: CircuitRules): Circuit => opened(Math.min(intervalMs * 2, rules.probeMaxMs), nowMs);

export const newCircuit = closed;

const counted = (window: Window, failed: boolean, nowMs: number, rules: CircuitRules): Window => {
  const current = nowMs - window.sinceMs < rules.windowMs ? window : { sinceMs: nowMs, attempts: 0, failures: 0 };
  return { ...current, attempts: current.attempts + 1, failures: current.failures + (failed ? 1 : 0) };
};

const tooMany = ({ attempts, failures }: Window, rules: CircuitRules): boolean =>
  attempts >= rules.ratioAttemptsMin && failures / attempts >= rules.failureRatioMax;

type OfKind<K extends Circuit['is']> = Extract<Circuit, { is: K }>;

const whileClosed = (circuit: OfKind<'closed'>, failed: boolean, nowMs: number, rules: CircuitRules): Circuit => {
  const failuresInARow = failed ? circuit.failuresInARow + 1 : 0;
  const window = counted(circuit.window, failed, nowMs, rules);
  // only a failure opens it: a success must never be what cuts an endpoint off
  const opens = failed && (failuresInARow >= rules.failuresInARowMax || tooMany(window, rules));
  return opens ? opened(rules.probeFirstMs, nowMs) : { is: 'closed', failuresInARow, window };
};

const whileClosing = (circuit: OfKind<'closing'>, failed: boolean, nowMs: number, rules: CircuitRules): Circuit => {
  if (failed) return reopened(circuit.intervalMs, nowMs, rules);
  const successes = circuit.successes + 1;
  return successes >= rules.successesToClose ? closed(nowMs) : { ...circuit, successes };
};

const afterAttempt = (circuit: Circuit, event: { type: 'succeeded' | 'failed'; probe?: boolean }, nowMs: number, rules: CircuitRules): Circuit => {
  const failed = event.type === 'failed';
  switch (circuit.is) {
    case 'closed':
      return whileClosed(circuit, failed, nowMs, rules);
    case 'closing':
      return whileClosing(circuit, failed, nowMs, rules);
    case 'probing':
      // attempts that began before the circuit opened end late: only the probe's outcome counts
      if (event.probe !== true) return circuit;
      return failed ? reopened(circuit.intervalMs, nowMs, rules) : { is: 'closing', successes: 1, intervalMs: circuit.intervalMs };
    case 'open':
      return circuit;
  }
};

const afterRequestToWait = (circuit: Circuit, untilMs: number, rules: CircuitRules): Circuit => {
  const intervalMs = circuit.is === 'closed' ? rules.probeFirstMs : circuit.intervalMs;
  const probeAtMs = circuit.is === 'open' ? Math.max(circuit.probeAtMs, untilMs) : untilMs;
  return { is: 'open', probeAtMs, intervalMs };
};

export const circuitAfter = (circuit: Circuit, event: CircuitEvent, nowMs: number, rules: CircuitRules = circuitRules): Circuit => {
  switch (event.type) {
    case 'probe_began':
      return circuit.is === 'open' ? { is: 'probing', intervalMs: circuit.intervalMs } : circuit;
    case 'probe_dropped':
      // it had no outcome (shutdown, a lost lease): the next one may go at once
      return circuit.is === 'probing' ? { is: 'open', probeAtMs: nowMs, intervalMs: circuit.intervalMs } : circuit;
    case 'asked_to_wait':
      return afterRequestToWait(circuit, event.untilMs, rules);
    case 'succeeded':
    case 'failed':
      return afterAttempt(circuit, event, nowMs, rules);
  }
};

/** May one more attempt begin, beside those in flight? `probe` says: yes, and tell the circuit `probe_began`. */
export const mayBegin = (circuit: Circuit, inFlight: number, nowMs: number): 'yes' | 'probe' | 'no' => {
  switch (circuit.is) {
    case 'closed':
      return 'yes';
    case 'open':
      return nowMs >= circuit.probeAtMs ? 'probe' : 'no';
    case 'probing':
      return 'no';
    case 'closing':
      return inFlight < 2 ** circuit.successes ? 'yes' : 'no';
  }
};
