import type { Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

/** What Node attaches to a socket between the head of a request and the end of its answer. Not documented, and relied upon for ten years. */
export type HttpSocket = Socket & { ['_httpMessage']?: ServerResponse | null };

/** How often connections are looked at while stopping. */
const LOOK_EVERY_MS = 50;

/**
 * Who is connected, so that stopping waits for answers and not for clients. Node's own `closeIdleConnections` passes over those
 * that never sent a request, and an answer in flight still promises to keep the connection, which then outlives it by 65 s.
 */
export class Connections {
  private readonly sockets = new Set<HttpSocket>();

  constructor(server: Server) {
    server.on('connection', (socket: Socket) => {
      this.sockets.add(socket);
      socket.once('close', () => this.sockets.delete(socket));
    });
  }

  /** From now on a connection ends with its answer, and one without a request at once. Gives the function that ends the looking. */
  letGo(): () => void {
    this.look();
    const looking = setInterval(() => this.look(), LOOK_EVERY_MS);
    looking.unref();
    return () => clearInterval(looking);
  }

  private look(): void {
    for (const socket of this.sockets) {
      const answer = socket['_httpMessage'];
      if (!answer) socket.destroy();
      else if (!answer.headersSent) answer.setHeader('connection', 'close');
    }
  }
}
