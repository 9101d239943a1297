import { createServer, connect, type AddressInfo, type Socket } from 'node:net';
import { once } from 'node:events';

/** Between ingest and its broker: passes everything on, until it is told to keep back what the broker answers. */
export const startStallingProxy = async (target: string): Promise<StallingProxy> => {
  const [host = '', port = ''] = target.split(':');
  const proxy = new StallingProxy({ host, port: Number(port) });
  await proxy.listen();
  return proxy;
};

export class StallingProxy {
  private readonly sockets = new Set<Socket>();
  private holding = false;
  private readonly server = createServer((client) => this.join(client));

  constructor(private readonly target: { host: string; port: number }) {}

  get url(): string {
    return `127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  async listen(): Promise<void> {
    this.server.listen(0, '127.0.0.1');
    await once(this.server, 'listening');
  }

  /** From now on the broker hears us and we do not hear it. */
  hold(): void {
    this.holding = true;
    for (const socket of this.sockets) socket.pause();
  }

  release(): void {
    this.holding = false;
    for (const socket of this.sockets) socket.resume();
  }

  async stop(): Promise<void> {
    for (const socket of this.sockets) socket.destroy();
    this.server.close();
    await once(this.server, 'close');
  }

  private join(client: Socket): void {
    const upstream = connect(this.target);
    this.sockets.add(upstream);
    if (this.holding) upstream.pause();
    client.on('data', (bytes) => upstream.write(bytes));
    upstream.on('data', (bytes) => client.write(bytes));
    const end = (): void => {
      this.sockets.delete(upstream);
      client.destroy();
      upstream.destroy();
    };
    for (const socket of [client, upstream]) socket.on('error', end).on('close', end);
  }
}
