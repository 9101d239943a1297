import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';

/** A network in between, on loopback. What it does to the bytes is said by who extends it; connections end together. */
export abstract class TcpProxy {
  private readonly sockets = new Set<Socket>();
  private readonly server = createServer((client) => this.join(client));

  constructor(private readonly targetPort: number) {}

  get port(): number {
    return (this.server.address() as AddressInfo).port;
  }

  /** Whose other side it has taken, and that have not ended. */
  get connections(): number {
    return this.sockets.size / 2;
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

  /** Carries the bytes of one connection, both ways. */
  protected abstract carry(client: Socket, upstream: Socket): void;

  private join(client: Socket): void {
    const upstream = connect(this.targetPort, '127.0.0.1');
    const both = [client, upstream];
    for (const socket of both) this.sockets.add(socket);
    this.carry(client, upstream);
    const end = (): void => {
      for (const socket of both) {
        this.sockets.delete(socket);
        socket.destroy();
      }
    };
    for (const socket of both) socket.on('error', end).on('close', end);
  }
}
