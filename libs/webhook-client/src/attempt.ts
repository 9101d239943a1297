import type { Outcome } from '@spillway/delivery';
import type { Dispatcher } from 'undici';
import type { Connection } from './connection.ts';
import type { Connections, Taker } from './connections.ts';
import type { DeadlineWheel, Timed } from './deadline-wheel.ts';
import { byError, byStatus, protocolError, timedOut } from './outcomes.ts';
import { BodyBeginning, keptHeaders, type ReceivedHeaders, type ReceivedResponse } from './received.ts';
import type { Target } from './target.ts';

/** What came of one attempt. */
export type Attempted = { outcome: Outcome; durationMs: number; response?: ReceivedResponse };

/** More of an answer is not read: it would not be shown, and the status line has decided. */
const MAX_BODY_BYTES = 64 * 1_024;
/** After the status line a slot is not held longer than this for a body that nobody needs. */
const BODY_PATIENCE_MS = 1_000;
/** 103s and the like before the answer itself. An honest server sends one or two. */
const MAX_INTERIM_ANSWERS = 16;
const SWITCHING_PROTOCOLS = 101;

/**
 * One attempt, from the moment it wants a connection to the moment it has an outcome: the handler that undici calls. It settles once, by whatever
 * comes first: the end of the answer, an error, the deadline, too much. Then its connection is released or destroyed, and its slot is free.
 */
export class Attempt implements Dispatcher.DispatchHandler, Timed, Taker {
  deadlineMs: number;
  private readonly startedMs = performance.now();
  private connection: Connection | undefined;
  private status = 0;
  private headers: ReceivedHeaders = {};
  private interim = 0;
  private readonly body = new BodyBeginning();
  private settled = false;

  constructor(
    private readonly target: Target,
    private readonly request: Dispatcher.DispatchOptions,
    private readonly timeoutMs: number,
    private readonly connections: Connections,
    private readonly wheel: DeadlineWheel,
    private readonly resolve: (attempted: Attempted) => void,
    private readonly reject: (error: Error) => void,
  ) {
    this.deadlineMs = this.startedMs + timeoutMs;
  }

  start(): void {
    this.wheel.add(this);
    this.connections.acquire(this.target, this);
  }

  take(connection: Connection): void {
    this.connection = connection;
    connection.send(this.request, this);
  }

  /** The deadline, or the end of the patience for a body. */
  expire(): void {
    if (this.status !== 0) return this.cut();
    const doing = this.connection?.doing ?? 'waiting for a free connection of ours';
    this.abandon(() => timedOut(this.timeoutMs, doing));
  }

  onRequestStart(): void {
    // undici wants it; how to end the request we know without its controller
  }

  onResponseStart(_: Dispatcher.DispatchController, status: number, headers: ReceivedHeaders): void {
    if (this.settled) return;
    if (status < 200) return this.passInterim(status);
    this.status = status;
    this.headers = headers;
    const patientUntilMs = performance.now() + BODY_PATIENCE_MS;
    if (patientUntilMs >= this.deadlineMs) return;
    this.wheel.remove(this);
    this.deadlineMs = patientUntilMs;
    this.wheel.add(this);
  }

  onResponseData(_: Dispatcher.DispatchController, chunk: Buffer): void {
    if (this.settled) return;
    this.body.add(chunk);
    if (this.body.bytes > MAX_BODY_BYTES) this.cut();
  }

  onResponseEnd(): void {
    if (this.settled) return;
    const { connection } = this;
    // undici has yet to look whether the connection stays: after this turn it is known, and before the caller goes on
    queueMicrotask(() => this.connections.release(this.target, connection!));
    this.settle(() => byStatus(this.status, this.headers));
  }

  onResponseError(_: Dispatcher.DispatchController | null, error: Error): void {
    this.abandon(() => (this.status === 0 ? byError(error) : byStatus(this.status, this.headers, 'body_incomplete')));
  }

  private passInterim(status: number): void {
    this.interim += 1;
    if (status === SWITCHING_PROTOCOLS) return this.abandon(() => protocolError('an upgrade that nobody asked for'));
    if (this.interim > MAX_INTERIM_ANSWERS) this.abandon(() => protocolError(`more than ${MAX_INTERIM_ANSWERS} interim answers`));
  }

  private cut(): void {
    this.abandon(() => byStatus(this.status, this.headers, 'body_cut'));
  }

  /** Settles, and gives the connection up with all that is on it. */
  private abandon(outcome: () => Outcome): void {
    if (this.settled) return;
    this.settle(outcome);
    if (this.connection === undefined) this.connections.forget(this.target, this);
    else this.connections.discard(this.target, this.connection);
  }

  private settle(outcome: () => Outcome): void {
    this.settled = true;
    this.wheel.remove(this);
    try {
      const durationMs = Math.round(performance.now() - this.startedMs);
      this.resolve({ outcome: outcome(), durationMs, response: this.response() });
    } catch (error) {
      this.reject(error as Error); // ours: what a receiver does has an outcome
    }
  }

  private response(): ReceivedResponse | undefined {
    if (this.status === 0) return undefined;
    return { status: this.status, headers: keptHeaders(this.headers), body: this.body.text() };
  }
}
