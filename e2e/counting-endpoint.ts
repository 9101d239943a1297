import { setTimeout as pause } from 'node:timers/promises';
import { startReceiver, type Receiver } from '@spillway/testing';

/** What an endpoint does with an attempt: an answer after a while, or a connection that is reset. */
export type Manner = { answer: 'reset' } | { answer: number; afterMs: number };
export type Arrival = { event: string; path: string; at: number };

/**
 * An endpoint that is told how to behave, and counts: who came when, how often, and how many were there at once. Keeps no bodies: it is sent a hundred
 * thousand.
 */
export class CountingEndpoint {
  /** Attempts that were answered by a reset. */
  readonly refused: Arrival[] = [];
  /** Of the others, by event: the first arrival, and how many there were. */
  readonly first = new Map<string, number>();
  arrivals = 0;
  /** How many came at each path. */
  readonly byPath = new Map<string, number>();
  /** Told of each that is not reset, before it is counted. */
  onArrival: (arrival: Arrival) => void = () => undefined;
  mostInFlight = 0;
  private inFlight = 0;
  private readonly starts: number[] = [];

  private constructor(
    private readonly receiver: Receiver,
    /** May be changed while it runs. */
    public manner: Manner,
  ) {
    receiver.handler = async ({ url, headers, at }, _response, raw) => {
      receiver.requests.length = 0;
      const arrival = { event: String(headers['webhook-id']), path: url, at };
      const { manner: now } = this;
      if (now.answer === 'reset') {
        this.refused.push(arrival);
        raw.socket.destroy();
        return undefined;
      }
      return this.answer(arrival, now);
    };
  }

  static async start(manner: Manner = { answer: 200, afterMs: 0 }): Promise<CountingEndpoint> {
    return new CountingEndpoint(await startReceiver(), manner);
  }

  get url(): string {
    return this.receiver.url;
  }

  stop(): Promise<void> {
    return this.receiver.stop();
  }

  /** From now on. */
  forgetMost(): void {
    this.mostInFlight = this.inFlight;
    this.starts.length = 0;
  }

  /** The most that arrived within any second, since the last `forgetMost`. */
  get mostInASecond(): number {
    return mostWithin(1_000, this.starts);
  }

  private async answer(arrival: Arrival, { answer, afterMs }: Exclude<Manner, { answer: 'reset' }>): Promise<number> {
    const { event, path, at } = arrival;
    this.onArrival(arrival);
    this.arrivals += 1;
    this.byPath.set(path, (this.byPath.get(path) ?? 0) + 1);
    this.starts.push(at);
    if (!this.first.has(event)) this.first.set(event, at);
    this.inFlight += 1;
    this.mostInFlight = Math.max(this.mostInFlight, this.inFlight);
    if (afterMs > 0) await pause(afterMs);
    this.inFlight -= 1;
    return answer;
  }
}

/** The most of these moments that lie within any so many milliseconds. */
export const mostWithin = (windowMs: number, moments: readonly number[]): number => {
  const times = moments.toSorted((a, b) => a - b);
  let most = 0;
  for (let from = 0, to = 0; to < times.length; to += 1) {
    while ((times[to] as number) - (times[from] as number) >= windowMs) from += 1;
    most = Math.max(most, to - from + 1);
  }
  return most;
};
