import type { Socket } from 'node:net';
import { NatsFrames } from './nats-frames.ts';
import { TcpProxy } from './tcp-proxy.ts';

/** What gets lost: the publication itself, or only the broker's answer to it, so that it is stored and nobody knows. */
export type Lost = 'requests' | 'answers';

/** A way to the broker on which the publications to some subjects can go unanswered, as by a stream without a leader; everything else passes. */
export const startSilencingProxy = async (targetPort: number): Promise<SilencingProxy> => {
  const proxy = new SilencingProxy(targetPort);
  await proxy.listen();
  return proxy;
};

export class SilencingProxy extends TcpProxy {
  private readonly silent = new Map<string, Lost>();
  /** Where the answers would go that are to be lost. */
  private readonly unheard = new Set<string>();
  /** Publications that were lost, or whose answers were. */
  swallowed = 0;

  /** @param prefix of the subjects, such as `webhook.ledger.` */
  silence(prefix: string, lost: Lost): void {
    this.silent.set(prefix, lost);
  }

  /** What is published from now on is answered again; what was lost stays lost. */
  speak(): void {
    this.silent.clear();
  }

  protected carry(client: Socket, upstream: Socket): void {
    const out = new NatsFrames(({ verb, subject, reply }) => (verb === 'PUB' || verb === 'HPUB') && this.losesRequest(subject, reply));
    const back = new NatsFrames(({ verb, subject }) => (verb === 'MSG' || verb === 'HMSG') && this.unheard.delete(subject));
    client.on('data', (bytes: Buffer) => out.pass(bytes).forEach((part) => upstream.write(part)));
    upstream.on('data', (bytes: Buffer) => back.pass(bytes).forEach((part) => client.write(part)));
  }

  private losesRequest(subject: string, reply: string | undefined): boolean {
    const lost = [...this.silent].find(([prefix]) => subject.startsWith(prefix))?.[1];
    if (lost === undefined) return false;
    this.swallowed += 1;
    if (lost === 'answers' && reply !== undefined) this.unheard.add(reply);
    return lost === 'requests';
  }
}
