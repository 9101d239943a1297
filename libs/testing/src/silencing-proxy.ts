import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { NatsFrames } from './nats-frames.ts';

/** What gets lost: the publication itself, or only the broker's answer to it, so that it is stored and nobody knows. */
export type Lost = 'requests' | 'answers';

/** A way to the broker on which the publications to some subjects can go unanswered, as by a stream without a leader; everything else passes. */
export const startSilencingProxy = async (targetPort: number): Promise<SilencingProxy> => {
  const proxy = new SilencingProxy(targetPort);
  await proxy.listen();
  return proxy;
};

export class SilencingProxy {
  private readonly sockets = new Set<Socket>();
  private readonly server = createServer((client) => this.join(client));
  private readonly silent = new Map<string, Lost>();
  /** Where the answers would go that are to be lost. */
  private readonly unheard = new Set<string>();
  /** Publications that were lost, or whose answers were. */
  swallowed = 0;

  constructor(private readonly targetPort: number) {}

  get port(): number {
    return (this.server.address() as AddressInfo).port;
  }

  async listen(): Promise<void> {
    this.server.listen(0, '127.0.0.1');
    await once(this.server, 'listening');
  }

  /** @param prefix of the subjects, such as `webhook.ledger.` */
  silence(prefix: string, lost: Lost): void {
    this.silent.set(prefix, lost);
  }

  /** What is published from now on is answered again; what was lost stays lost. */
  speak(): void {
    this.silent.clear();
  }

  /** May be called twice. */
  async stop(): Promise<void> {
    if (!this.server.listening) return;
    for (const socket of this.sockets) socket.destroy();
    this.server.close();
    await once(this.server, 'close');
  }

  private join(client: Socket): void {
    const upstream = connect(this.targetPort, '127.0.0.1');
    const both = [client, upstream];
    for (const socket of both) this.sockets.add(socket);
    const out = new NatsFrames(({ verb, subject, reply }) => (verb === 'PUB' || verb === 'HPUB') && this.losesRequest(subject, reply));
    const back = new NatsFrames(({ verb, subject }) => (verb === 'MSG' || verb === 'HMSG') && this.unheard.delete(subject));
    client.on('data', (bytes: Buffer) => out.pass(bytes).forEach((part) => upstream.write(part)));
    upstream.on('data', (bytes: Buffer) => back.pass(bytes).forEach((part) => client.write(part)));
    const end = (): void => {
      for (const socket of both) {
        this.sockets.delete(socket);
        socket.destroy();
      }
    };
    for (const socket of both) socket.on('error', end).on('close', end);
  }

  private losesRequest(subject: string, reply: string | undefined): boolean {
    const lost = [...this.silent].find(([prefix]) => subject.startsWith(prefix))?.[1];
    if (lost === undefined) return false;
    this.swallowed += 1;
    if (lost === 'answers' && reply !== undefined) this.unheard.add(reply);
    return lost === 'requests';
  }
}
