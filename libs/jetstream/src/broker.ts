import { connect, type NatsConnection } from '@nats-io/transport-node';
import type { Logger } from '@spillway/telemetry';
import { BrokerAway, BrokerRefused } from './errors.ts';
import { Replies } from './replies.ts';

export type BrokerOptions = {
  /** `host:port`, several by comma. */
  servers: string;
  user?: string | undefined;
  pass?: string | undefined;
  /** Shown by `nats server report connections`: which app, which process. */
  name: string;
  log: Logger;
  /** False: one try, and then it throws why not; for people who wait for an answer. */
  waitForFirst?: boolean;
};

type ApiAnswer = { error?: { code: number; err_code?: number; description?: string } };

/** One connection to the broker, for everything a process does there. Reconnects for ever, with jitter. */
export class Broker {
  readonly replies: Replies;
  private up = true;
  private readonly listeners = new Set<(up: boolean) => void>();

  private constructor(
    readonly nc: NatsConnection,
    private readonly log: Logger,
  ) {
    this.replies = new Replies(nc);
    void this.follow();
  }

  /** Waits for the first connection as long as it takes, and says so. */
  static async connect({ servers, user, pass, name, log, waitForFirst = true }: BrokerOptions): Promise<Broker> {
    const waiting = setInterval(() => log.warn({ servers }, 'waiting for the broker'), 5_000);
    try {
      const nc = await connect({
        servers: servers.split(','),
        user,
        pass,
        name,
        waitOnFirstConnect: waitForFirst,
        maxReconnectAttempts: -1,
        reconnectTimeWait: 100,
        reconnectJitter: 200,
        reconnectJitterTLS: 200,
        ignoreAuthErrorAbort: true,
        // a frozen broker is noticed after ~10 s: two pings without an answer
        pingInterval: 5_000,
        maxPingOut: 2,
        timeout: 5_000,
      });
      return new Broker(nc, log);
    } finally {
      clearInterval(waiting);
    }
  }

  get connected(): boolean {
    return this.up && !this.nc.isClosed();
  }

  /** Told at each change; returns how to stop being told. */
  onConnection(listener: (up: boolean) => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  /**
   * One request to the JetStream API.
   * @param subject less `$JS.API.`, for example `STREAM.INFO.WEBHOOK_INGEST`
   * @throws BrokerRefused | BrokerAway | OutcomeUnknown
   */
  async api<T>(subject: string, body?: unknown, timeoutMs = 5_000): Promise<T> {
    const what = `the request ${subject}`;
    if (!this.connected) throw new BrokerAway(what);
    const answer = await this.replies.ask(what, timeoutMs, (reply) => this.nc.publish(`$JS.API.${subject}`, body === undefined ? undefined : JSON.stringify(body), { reply }));
    const parsed = answer.json<T & ApiAnswer>();
    if (parsed.error) throw new BrokerRefused(parsed.error.err_code ?? parsed.error.code, parsed.error.description ?? 'no description', what);
    return parsed;
  }

  async close(): Promise<void> {
    if (this.nc.isClosed()) return;
    // acks that were given are on the wire before the connection goes
    if (this.connected) await Promise.race([this.nc.flush(), new Promise((resolve) => setTimeout(resolve, 1_000).unref())]).catch((error: unknown) => this.log.warn({ err: error }, 'last flush failed'));
    this.replies.close();
    await this.nc.close();
  }

  private async follow(): Promise<void> {
    for await (const status of this.nc.status()) {
      if (status.type === 'disconnect') this.change(false);
      else if (status.type === 'reconnect') this.change(true);
      else if (status.type === 'staleConnection') this.cutOff();
      else if (status.type === 'error') this.log.error({ err: status.error }, 'the broker reports an error');
    }
  }

  /**
   * Before nats.js gives a stale connection up it sends what it still has to send (3.4.0, `_closed` of its node transport). To a server that is frozen or gone
   * that ends when TCP gives up, a quarter of an hour later; until then nothing would reconnect, and what is published would pile up in memory.
   */
  private cutOff(): void {
    const { protocol } = this.nc as unknown as { protocol: { transport: { close(error: Error): Promise<void> } } };
    void protocol.transport.close(new Error('the broker does not answer pings'));
  }

  private change(up: boolean): void {
    if (this.up === up) return;
    this.up = up;
    if (up) this.log.info('connected to the broker again');
    else {
      this.log.warn('connection to the broker lost');
      this.replies.lost();
    }
    for (const listener of this.listeners) listener(up);
  }
}
