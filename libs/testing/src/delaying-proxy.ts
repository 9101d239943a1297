import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';

/** A network in between that can be slow: what the other side says arrives so much later, in order. */
export const startDelayingProxy = async (targetPort: number, delayMs = 0): Promise<DelayingProxy> => {
  const proxy = new DelayingProxy(targetPort, delayMs);
  await proxy.listen();
  return proxy;
};

export class DelayingProxy {
  private readonly sockets = new Set<Socket>();
  private readonly server = createServer((client) => this.join(client));

  constructor(
    private readonly targetPort: number,
    /** Of each answer, one way. May be changed while it runs. */
    public delayMs: number,
  ) {}

  get port(): number {
    return (this.server.address() as AddressInfo).port;
  }

  /** @param port to come back to after a stop */
  async listen(port = 0): Promise<void> {
    this.server.listen(port, '127.0.0.1');
    await once(this.server, 'listening');
  }

  /** Connections end as by a network that resets them; new ones are taken. */
  cut(): void {
    for (const socket of this.sockets) socket.destroy();
  }

  /** May be called twice. */
  async stop(): Promise<void> {
    if (!this.server.listening) return;
    this.cut();
    this.server.close();
    await once(this.server, 'close');
  }

  private join(client: Socket): void {
    const upstream = connect(this.targetPort, '127.0.0.1');
    const both = [client, upstream];
    for (const socket of both) this.sockets.add(socket);
    client.on('data', (bytes) => upstream.write(bytes));
    let last: Promise<unknown> = Promise.resolve();
    upstream.on('data', (bytes) => {
      const held = pause(this.delayMs, undefined, { ref: false });
      // in line: when the delay gets shorter, nothing may overtake what was said before
      last = last.then(() => held).then(() => client.write(bytes));
    });
    const end = (): void => {
      for (const socket of both) {
        this.sockets.delete(socket);
        socket.destroy();
      }
    };
    for (const socket of both) socket.on('error', end).on('close', end);
  }
}
