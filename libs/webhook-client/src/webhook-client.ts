import { Attempt, type Attempted } from './attempt.ts';
import { Connections, type ConnectionLimits } from './connections.ts';
import type { Dialling } from './dial.ts';
import { DeadlineWheel } from './deadline-wheel.ts';
import { ClientClosed, ForbiddenHeader } from './errors.ts';
import { framesMessage } from './header-rules.ts';
import { SystemLookup, type Lookup } from './system-lookup.ts';
import { trust } from './trust.ts';
import { judgeUrl, urlRules, type JudgedUrl, type UrlRules } from './url-rules.ts';

export type WebhookClientOptions = {
  /** CIDR blocks that may be called although they are not public; inside them also http, any port, and local names. */
  allowNetworks: readonly string[];
  /** Also http to public addresses. */
  allowHttp: boolean;
  /** PEM: authorities that are believed beside the usual ones. */
  extraCa?: string | Buffer;
  /** So many origins may keep idle connections. */
  maxOrigins?: number;
  /** More attempts at once to one origin wait, on their own deadline. */
  connectionsPerOrigin?: number;
  /** Over all origins; the one idle for longest is closed first. */
  maxIdleConnections?: number;
  /** Instead of the machine's hosts file and name servers. */
  lookup?: Lookup;
  userAgent?: string;
};

export type WebhookRequest = {
  url: string;
  /** `content-type` is JSON unless it is given here, in lower case. */
  headers: Readonly<Record<string, string>>;
  body: Uint8Array;
  /** For all of it: name, connection, handshake, request, answer. */
  timeoutMs: number;
  /** An endpoint of our own, exempt from the rules about addresses. */
  internal?: boolean;
};

const limitsOf = ({ maxOrigins, connectionsPerOrigin, maxIdleConnections }: WebhookClientOptions): ConnectionLimits => ({
  maxOrigins: maxOrigins ?? 1_024,
  // as many as a process makes attempts at once: endpoints that share a host must not wait for each other's hanging attempts
  connectionsPerOrigin: connectionsPerOrigin ?? 512,
  // a socket costs some 10 KiB and a file: 10 MiB, and the usual limit of open files leaves room
  maxIdleConnections: maxIdleConnections ?? 1_024,
});

/** Of URLs, with what was found out about them; 0.5 KiB each. */
const MAX_JUDGED_URLS = 8_192;
const MAX_TIMEOUT_MS = 600_000;

/** Posts webhooks to strangers: decides by the address that is dialled, ends by the deadline whatever the receiver does, and tells it as a value. */
export class WebhookClient {
  private readonly rules: UrlRules;
  private readonly connections: Connections;
  private readonly wheel = new DeadlineWheel();
  private readonly names = new SystemLookup();
  private readonly judged = new Map<string, JudgedUrl>();
  private readonly ownHeaders: readonly string[];
  private closing = false;

  /** @throws RangeError when a network or the extra authorities cannot be read */
  constructor(options: WebhookClientOptions) {
    this.rules = urlRules(options);
    const dialling: Dialling = { rules: this.rules, lookup: options.lookup ?? this.names.lookup, secureContext: trust(options.extraCa) };
    this.connections = new Connections(limitsOf(options), dialling);
    // identity: a compressed answer would be inflated by somebody, 50 kB to 52 MB
    this.ownHeaders = ['user-agent', options.userAgent ?? 'Spillway', 'accept-encoding', 'identity'];
  }

  /** For gauges. */
  get counts(): { inFlight: number; origins: number; open: number; idle: number; waiting: number } {
    return { inFlight: this.wheel.waiting, ...this.connections.counts };
  }

  /**
   * One attempt. Whatever the receiver does is in the outcome.
   * @throws ClientClosed | OutOfSockets | ForbiddenHeader (all: nothing was sent) | AttemptBroken (a fault of ours), RangeError for a deadline that is none
   */
  async post({ url, headers, body, timeoutMs, internal = false }: WebhookRequest): Promise<Attempted> {
    if (this.closing) throw new ClientClosed();
    if (!(timeoutMs > 0 && timeoutMs <= MAX_TIMEOUT_MS)) throw new RangeError(`deadline of ${timeoutMs} ms: wanted 1 to ${MAX_TIMEOUT_MS}`);
    const judged = this.judge(url, internal);
    if ('refused' in judged) return { outcome: { kind: 'failed', reason: 'ssrf_blocked', detail: judged.refused }, durationMs: 0 };
    const target = judged.ok;
    const request = { path: target.path, method: 'POST', headers: this.wireHeaders(headers), body };
    return new Promise((resolve, reject) => {
      new Attempt(target, request, timeoutMs, this.connections, this.wheel, resolve, reject).start();
    });
  }

  /** Takes no more attempts, lets those in flight end (each by its deadline), and closes all connections. May be called twice. */
  async close(): Promise<void> {
    this.closing = true;
    await this.wheel.whenEmpty();
    await Promise.resolve(); // the last connection falls idle a microtask after its attempt has ended
    this.connections.closeIdle();
    this.names.close();
  }

  /** Pure, so an answer stays right; bounded, the oldest goes first. */
  private judge(url: string, internal: boolean): JudgedUrl {
    const key = internal ? `internal ${url}` : url;
    const known = this.judged.get(key);
    if (known !== undefined) return known;
    const judged = judgeUrl(url, this.rules, internal);
    if (this.judged.size >= MAX_JUDGED_URLS) this.judged.delete(this.judged.keys().next().value!);
    this.judged.set(key, judged);
    return judged;
  }

  private wireHeaders(headers: Readonly<Record<string, string>>): string[] {
    const wire = [...this.ownHeaders];
    if (headers['content-type'] === undefined) wire.push('content-type', 'application/json');
    for (const name in headers) {
      if (framesMessage(name.toLowerCase())) throw new ForbiddenHeader(`${name} frames the message`);
      wire.push(name, headers[name]!);
    }
    return wire;
  }
}
