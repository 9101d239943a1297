import { createServer, type IncomingHttpHeaders, type IncomingMessage, type RequestListener, type Server, type ServerResponse } from 'node:http';
import { createServer as createTlsServer, type ServerOptions } from 'node:https';
import type { AddressInfo } from 'node:net';

export type Received = {
  method: string;
  url: string;
  headers: IncomingHttpHeaders;
  /** As on the wire, name and value in turn: shows what is sent twice and how it is spelled. */
  rawHeaders: string[];
  body: Buffer;
  /** Epoch milliseconds of the last byte of the request. */
  at: number;
};

export type Answer = number | { status?: number; headers?: Record<string, string | string[]>; body?: string | Uint8Array };

/** Gives an answer, or writes to `response` itself, or does neither: then the sender waits, as before a receiver that hangs. */
export type ReceiverHandler = (request: Received, response: ServerResponse, raw: IncomingMessage) => Answer | void | Promise<Answer | void>;

export type ReceiverOptions = { handler?: ReceiverHandler; tls?: ServerOptions; host?: string };

/** A customer's endpoint: a real HTTP server on a free port that remembers what came. Answers 200 unless told otherwise. */
export const startReceiver = async (given: ReceiverHandler | ReceiverOptions = {}): Promise<Receiver> => {
  const options = typeof given === 'function' ? { handler: given } : given;
  const receiver = new Receiver(options);
  await receiver.listen(options.host ?? '127.0.0.1');
  return receiver;
};

export class Receiver {
  readonly requests: Received[] = [];
  /** May be changed while it runs: a receiver that recovers. */
  handler: ReceiverHandler;
  /** Requests taken and not answered yet, now and at the most. */
  inFlight = 0;
  mostInFlight = 0;
  /** Connections taken since the start. */
  connections = 0;
  private readonly server: Server;
  private readonly scheme: 'http' | 'https';
  private host = '';

  constructor({ handler, tls }: ReceiverOptions) {
    this.handler = handler ?? (() => 200);
    const listener: RequestListener = (raw, response) => void this.take(raw, response);
    this.scheme = tls ? 'https' : 'http';
    this.server = tls ? createTlsServer(tls, listener) : createServer(listener);
    this.server.on('connection', () => this.connections++);
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port;
  }

  get url(): string {
    return `${this.scheme}://${this.host}:${this.port}`;
  }

  async listen(host: string): Promise<void> {
    this.host = host.includes(':') ? `[${host}]` : host;
    await new Promise<void>((done, fail) => this.server.once('error', fail).listen(0, host, done));
  }

  /** Closes open connections too, answered or not. May be called twice. */
  async stop(): Promise<void> {
    if (!this.server.listening) return;
    const closed = new Promise((done) => this.server.once('close', done));
    this.server.close();
    this.server.closeAllConnections();
    await closed;
  }

  private async take(raw: IncomingMessage, response: ServerResponse): Promise<void> {
    this.mostInFlight = Math.max(this.mostInFlight, ++this.inFlight);
    response.once('close', () => this.inFlight--);
    try {
      const request = await read(raw);
      this.requests.push(request);
      reply(response, await this.handler(request, response, raw));
    } catch (error) {
      // The sender went away while it sent, or the handler of a test threw: the latter has to show in the answer.
      if (!response.headersSent && !response.destroyed) reply(response, { status: 500, body: String(error) });
    }
  }
}

const read = async (raw: IncomingMessage): Promise<Received> => {
  const chunks: Buffer[] = [];
  for await (const chunk of raw) chunks.push(chunk as Buffer);
  const { method = '', url = '', headers, rawHeaders } = raw;
  return { method, url, headers, rawHeaders, body: Buffer.concat(chunks), at: Date.now() };
};

const reply = (response: ServerResponse, answer: Answer | void): void => {
  if (answer === undefined) return;
  const { status = 200, headers = {}, body } = typeof answer === 'number' ? { status: answer } : answer;
  response.writeHead(status, headers).end(body);
};
