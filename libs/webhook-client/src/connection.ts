import type { Socket } from 'node:net';
import type { Dispatcher } from 'undici';
import { Dial, type Dialling } from './dial.ts';
import type { Target } from './target.ts';
import { Client } from './undici-client.ts';

/**
 * The head of an answer. Node's own 16 KiB would turn a 200 with 5,000 headers into a failure, although the status line decides; times 512 attempts
 * at once this is 128 MiB in the worst case.
 */
const MAX_HEAD_BYTES = 256 * 1_024;
/** An unused connection is closed before most servers do it (Node and Apache: 5 s), so that a request does not meet a closing one. */
const IDLE_MS = 4_000;
/** A server that says it keeps connections longer is believed up to here. */
const MAX_IDLE_MS = 30_000;

/**
 * One connection to one origin, with one request at a time: an undici client that dials by our rules. A client each and not undici's pool, because
 * a deadline must be able to end an attempt wherever it stands, also while it waits for its name, its connection or its handshake: destroying the client does.
 */
export class Connection {
  private readonly client: Client;
  private dial: Dial | undefined;
  private socket: Socket | undefined;
  private closed = false;

  constructor(target: Target, dialling: Dialling, onIdleClosed: (connection: Connection) => void) {
    this.client = new Client(target.origin, {
      connect: (_, callback) => {
        this.socket = undefined;
        this.dial = new Dial(target, dialling, (error, socket) => {
          this.dial = undefined;
          if (socket === null) return callback(error ?? new Error('no socket'), null);
          this.socket = socket;
          callback(null, socket);
        });
        this.dial.start();
      },
      pipelining: 1,
      allowH2: false,
      headersTimeout: 0, // one deadline for all, which is not undici's: its timers are idle timers
      bodyTimeout: 0,
      maxHeaderSize: MAX_HEAD_BYTES,
      keepAliveTimeout: IDLE_MS,
      keepAliveMaxTimeout: MAX_IDLE_MS,
    });
    // a client dials again by itself when a request comes; but an idle one without a connection is of no use to anybody
    this.client.on('disconnect', () => onIdleClosed(this));
  }

  /** Bytes the other side has sent since the connection was made. */
  get bytesRead(): number {
    return this.socket?.bytesRead ?? 0;
  }

  /** Can take the next request: it is there, and the last answer left it in order. */
  get reusable(): boolean {
    return !this.closed && this.socket !== undefined && !this.socket.destroyed;
  }

  /** Where an attempt stands that has no answer yet. */
  get doing(): string {
    return this.dial?.doing ?? 'waiting for the answer';
  }

  send(request: Dispatcher.DispatchOptions, handler: Dispatcher.DispatchHandler): void {
    this.client.dispatch(request, handler);
  }

  /** Ends what is on it, in whatever state. May be called twice. */
  destroy(): void {
    if (this.closed) return;
    this.closed = true;
    this.dial?.abort();
    void this.client.destroy();
  }
}
