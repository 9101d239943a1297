import { Connection } from './connection.ts';
import type { Dialling } from './dial.ts';
import type { Target } from './target.ts';

/** Who wants a connection. Called in the order of arrival, once. */
export type Taker = { take(connection: Connection): void };

type Origin = { readonly key: string; readonly target: Target; readonly idle: Connection[]; readonly waiting: Set<Taker>; open: number };

export type ConnectionLimits = { readonly maxOrigins: number; readonly connectionsPerOrigin: number; readonly maxIdleConnections: number };

/** What an exemption has opened is used by the exempt alone. */
const keyOf = ({ internal, origin }: Target): string => (internal ? `internal ${origin}` : origin);

/**
 * The connections of all origins. One is used again for the origin that it was judged for and no other. Bounded: by what is in flight (the caller's
 * budget), by `connectionsPerOrigin`, and by how many may lie idle; the one idle for longest goes first.
 */
export class Connections {
  private readonly origins = new Map<string, Origin>();
  /** In the order in which they fell idle. */
  private readonly idle = new Map<Connection, Origin>();

  constructor(
    private readonly limits: ConnectionLimits,
    private readonly dialling: Dialling,
  ) {}

  get counts(): { origins: number; open: number; idle: number; waiting: number } {
    const counts = { origins: this.origins.size, open: 0, idle: this.idle.size, waiting: 0 };
    for (const { open, waiting } of this.origins.values()) {
      counts.open += open;
      counts.waiting += waiting.size;
    }
    return counts;
  }

  /** An idle one, a new one, or the next that falls free. */
  acquire(target: Target, taker: Taker): void {
    const origin = this.originOf(target);
    const connection = origin.idle.pop(); // the one used last: those not needed any more grow old and close
    if (connection !== undefined) this.idle.delete(connection);
    if (connection !== undefined) taker.take(connection);
    else if (origin.open < this.limits.connectionsPerOrigin) taker.take(this.open(origin));
    else origin.waiting.add(taker);
  }

  /** It does not want one any more. */
  forget(target: Target, taker: Taker): void {
    this.origins.get(keyOf(target))?.waiting.delete(taker);
  }

  /** The answer is complete. */
  release(target: Target, connection: Connection): void {
    const origin = this.origins.get(keyOf(target));
    if (origin === undefined || !connection.reusable) return this.discard(target, connection);
    if (origin.waiting.size > 0) return this.handOn(origin, connection);
    origin.idle.push(connection);
    this.idle.set(connection, origin);
    this.trim();
  }

  /** It is of no use any more, or must not be. */
  discard(target: Target, connection: Connection): void {
    connection.destroy();
    const origin = this.origins.get(keyOf(target));
    if (origin === undefined) return;
    origin.open -= 1;
    if (origin.waiting.size > 0) this.handOn(origin, this.open(origin));
    else this.drop(origin);
  }

  closeIdle(): void {
    for (const connection of this.idle.keys()) this.discardIdle(connection);
  }

  private originOf(target: Target): Origin {
    const key = keyOf(target);
    let origin = this.origins.get(key);
    if (origin === undefined) {
      origin = { key, target, idle: [], waiting: new Set(), open: 0 };
      this.origins.set(key, origin);
      this.trim();
    }
    return origin;
  }

  private open(origin: Origin): Connection {
    origin.open += 1;
    return new Connection(origin.target, this.dialling, (connection) => this.discardIdle(connection));
  }

  private handOn(origin: Origin, connection: Connection): void {
    const [taker] = origin.waiting;
    if (taker === undefined) return;
    origin.waiting.delete(taker);
    taker.take(connection);
  }

  private discardIdle(connection: Connection): void {
    const origin = this.idle.get(connection);
    if (origin === undefined) return;
    this.idle.delete(connection);
    origin.idle.splice(origin.idle.indexOf(connection), 1);
    this.discard(origin.target, connection);
  }

  private drop(origin: Origin): void {
    if (origin.open === 0 && origin.waiting.size === 0) this.origins.delete(origin.key);
  }

  /** Origins in use are never closed: there are at most as many of them as attempts in flight. */
  private trim(): void {
    for (const connection of this.idle.keys()) {
      if (this.origins.size <= this.limits.maxOrigins && this.idle.size <= this.limits.maxIdleConnections) return;
      this.discardIdle(connection);
    }
  }
}
